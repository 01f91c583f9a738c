//! Pages for administrators.

use hedgeschool_web::{Problem, Reply};

use crate::page::{self, Frame};
use crate::{Visitor, courses};

/// `/admin/courses`
pub async fn courses(visitor: &Visitor) -> Result<Reply, Problem> {
    if !visitor.is_administrator {
        return Err(Problem::forbidden("Only administrators import courses."));
    }
    let frame = Frame::new("Import courses", Some(visitor));
    page::render(&page::AdminCourses { frame, courses: courses::cards(visitor).await? })
}
