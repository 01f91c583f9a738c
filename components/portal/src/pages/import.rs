//! `/admin/courses`: the form that imports courses, and those that are here.

use askama::Template;
use hedgeschool_web::{Problem, Reply};

use crate::layout::{Layout, render_page};
use crate::pages::courses::{CourseCard, load_cards};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "import.html")]
struct ImportPage {
    layout: Layout,
    /// Courses by title.
    courses: Vec<CourseCard>,
}

/// `GET /admin/courses`
///
/// # Errors
/// 403 for who is no administrator; what a store answers if it fails.
pub async fn show_import(visitor: &Visitor) -> Result<Reply, Problem> {
    visitor.require_administrator("Only administrators import courses.")?;
    let layout = Layout::new("Import a course", Some(visitor));
    render_page(&ImportPage { layout, courses: load_cards(visitor).await? })
}
