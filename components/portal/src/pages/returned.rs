//! `/returned`: where units send their learner when they end (cmi5, 10.2.6). It may be in the
//! player's frame, in which nobody is signed in.

use askama::Template;
use hedgeschool_web::{Problem, Query, Reply};

use crate::layout::{Layout, render_frameable};

#[derive(Template)]
#[template(path = "returned.html")]
struct ReturnedPage {
    layout: Layout,
    /// Address of the page to go on to.
    next: String,
}

/// `GET /returned?to=…`
///
/// # Errors
/// 500 if the template fails.
pub fn show_returned(query: &Query) -> Result<Reply, Problem> {
    let next = choose_next(query.get("to")).to_owned();
    render_frameable(&ReturnedPage { layout: Layout::new("Done", None), next })
}

/// A course's page, or that of all courses: whoever made the address leads to nowhere else.
fn choose_next(wanted: Option<&str>) -> &str {
    wanted.filter(|wanted| wanted.starts_with("/courses/")).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::choose_next;

    #[test]
    fn it_leads_to_courses_alone() {
        assert_eq!(choose_next(Some("/courses/a-k")), "/courses/a-k");
        assert_eq!(choose_next(Some("https://elsewhere.example/courses/")), "/");
        assert_eq!(choose_next(Some("//elsewhere.example")), "/");
        assert_eq!(choose_next(None), "/");
    }
}
