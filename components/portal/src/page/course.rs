//! The pages of courses.

use askama::Template;

use super::Frame;
use crate::standing::Standing;

/// A course in a list.
pub struct CourseCard {
    /// Address of its page.
    pub href: String,
    /// Title.
    pub title: String,
    /// Description; may be empty.
    pub description: String,
    /// How many units it has.
    pub units: u32,
    /// How many of them the visitor has completed or passed.
    pub done: u32,
    /// It is offered to nobody who has not begun it.
    pub is_retired: bool,
}

/// `/`
#[derive(Template)]
#[template(path = "courses.html")]
pub struct Courses {
    /// Around the page.
    pub frame: Frame,
    /// What of the page moves.
    pub part: String,
}

/// What of it moves.
#[derive(Template)]
#[template(path = "courses-part.html")]
pub struct CoursesPart {
    /// Courses by title.
    pub courses: Vec<CourseCard>,
    /// Whether the visitor may import some.
    pub is_administrator: bool,
}

/// A unit on its course's page.
pub struct UnitCard {
    /// The titles of the blocks that begin with it, if some do.
    pub block: Option<String>,
    /// The publisher's IRI, which the launch form sends back.
    pub id: String,
    /// Title.
    pub title: String,
    /// What it asks for; may be empty.
    pub requirement: String,
    /// Whether that is reached.
    pub is_satisfied: bool,
    /// What the visitor has reached in it.
    pub standing: Standing,
    /// Whether it wants a window of its own.
    pub has_own_window: bool,
}

/// `/courses/…`
#[derive(Template)]
#[template(path = "course.html")]
pub struct Course {
    /// Around the page.
    pub frame: Frame,
    /// Address of this page.
    pub href: String,
    /// Description; may be empty.
    pub description: String,
    /// What of the page moves.
    pub part: String,
    /// What an administrator can do here. None: the visitor is none.
    pub administration: Option<Administration>,
}

/// What administrators see of a course beside its units.
pub struct Administration {
    /// IRI and title of each unit.
    pub units: Vec<(String, String)>,
    /// The course is retired.
    pub is_retired: bool,
    /// Who has just been excused from one.
    pub waived: Option<String>,
}

/// What of it moves.
#[derive(Template)]
#[template(path = "course-part.html")]
pub struct CoursePart {
    /// Address of the page.
    pub href: String,
    /// Units in course order.
    pub units: Vec<UnitCard>,
    /// How many of them are done.
    pub done: usize,
    /// Whether the visitor may look at units without a record.
    pub is_administrator: bool,
    /// The visitor is under way in an earlier version.
    pub is_earlier: bool,
}

/// `/courses/…/play`
#[derive(Template)]
#[template(path = "play.html")]
pub struct Play {
    /// Around the page; its title is the unit's.
    pub frame: Frame,
    /// Address of the course's page.
    pub href: String,
    /// Title of the course.
    pub course: String,
    /// The unit's IRI.
    pub unit: String,
    /// What it is launched for, as cmi5 writes it.
    pub mode: &'static str,
    /// Whether the unit has an origin that is not the portal's, and keeps it.
    pub has_origin: bool,
    /// Whether the unit wants a window of its own.
    pub has_own_window: bool,
    /// Whether it is launched without being asked to.
    pub starts_by_itself: bool,
}

/// `/returned`
#[derive(Template)]
#[template(path = "returned.html")]
pub struct Returned {
    /// Around the page.
    pub frame: Frame,
    /// Address of the page to go on to.
    pub to: String,
}
