//! Pages: the templates' data, and what every page is sent with.

mod course;

use askama::Template;
use hedgeschool_doctor::Finding;
use hedgeschool_web::{Problem, Reply, StatusCode};

use crate::conflicts::Side;
use crate::node::{self, Sort, Status, View, Week};
use crate::standing::Standing;
use crate::statements::Form;
use crate::visitor::Visitor;

pub use course::{
    Administration, Course, CourseCard, CoursePart, Courses, CoursesPart, Play, Returned, UnitCard,
};

/// Pages run no script but the portal's own files, and are framed by nobody.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What is around every page.
pub struct Frame {
    /// The page's title.
    pub title: String,
    /// How the header greets whoever signed in.
    pub visitor: Option<String>,
    /// Whether the header shows the way to administration.
    pub is_administrator: bool,
    /// By what the visitor's browser knows the session for its own.
    pub browser: String,
}

impl Frame {
    /// The frame of a page for a visitor.
    pub fn new(title: &str, visitor: Option<&Visitor>) -> Self {
        Self {
            title: title.to_owned(),
            visitor: visitor.map(|visitor| visitor.display_name.clone()),
            is_administrator: visitor.is_some_and(|visitor| visitor.is_administrator),
            browser: visitor.map(|visitor| visitor.browser.clone()).unwrap_or_default(),
        }
    }
}

/// `/sign-in`
#[derive(Template)]
#[template(path = "sign-in.html")]
pub struct SignIn {
    /// Around the page.
    pub frame: Frame,
    /// The page to go on to.
    pub next: String,
    /// Whether an attempt has just failed.
    pub has_failed: bool,
    /// Whether the browser has just found itself in a session that was not begun in it.
    pub is_strange: bool,
}

/// A row of the learner's record.
pub struct ProgressRow {
    /// The activity's IRI.
    pub activity: String,
    /// Title of the unit, or the activity's IRI where no course has it.
    pub title: String,
    /// Title and address of the course, if one has it.
    pub course: Option<(String, String)>,
    /// What is reached.
    pub standing: Standing,
    /// When it last changed: for machines and for people, in UTC.
    pub updated: (String, String),
}

/// `/progress`
#[derive(Template)]
#[template(path = "progress.html")]
pub struct Progress {
    /// Around the page.
    pub frame: Frame,
    /// What of the page moves.
    pub part: String,
}

/// What of it moves.
#[derive(Template)]
#[template(path = "progress-part.html")]
pub struct ProgressPart {
    /// Most recent first.
    pub rows: Vec<ProgressRow>,
}

/// `/admin/courses`
#[derive(Template)]
#[template(path = "admin-courses.html")]
pub struct AdminCourses {
    /// Around the page.
    pub frame: Frame,
    /// Courses by title.
    pub courses: Vec<CourseCard>,
}

/// Something a statement speaks of.
pub struct Cell {
    /// What it is called.
    pub text: String,
    /// What identifies it, where that is not what it is called; may be empty.
    pub under: String,
    /// Address of the statements that share it, or of the statement that it is.
    pub href: Option<String>,
}

/// A statement in a list.
pub struct StatementRow {
    /// Address of its page.
    pub href: String,
    /// When it was stored: for machines and for people, in UTC.
    pub stored: (String, String),
    /// When it happened, if that was at another time.
    pub happened: Option<(String, String)>,
    /// The actor.
    pub who: Cell,
    /// The verb.
    pub verb: Cell,
    /// The object.
    pub what: Cell,
    /// What came out, in a few words each.
    pub result: Vec<String>,
    /// The registration, and the address of its statements.
    pub registration: Option<(String, String)>,
    /// Who recorded it.
    pub authority: Cell,
}

/// `/statements`
#[derive(Template)]
#[template(path = "statements.html")]
pub struct Statements {
    /// Around the page.
    pub frame: Frame,
    /// What is asked for.
    pub form: Form,
    /// Newest first.
    pub rows: Vec<StatementRow>,
    /// Address of the first page, if this is another.
    pub newest: Option<String>,
    /// Address of the next page, if there is one.
    pub older: Option<String>,
}

/// `/statements/…`
#[derive(Template)]
#[template(path = "statement.html")]
pub struct Statement {
    /// Around the page.
    pub frame: Frame,
    /// Its id.
    pub id: String,
    /// Whether it is voided.
    pub is_voided: bool,
    /// What it says.
    pub row: StatementRow,
    /// The statement as JSON, laid out.
    pub json: String,
}

/// `/admin/node`
#[derive(Template)]
#[template(path = "node.html")]
pub struct Node {
    /// Around the page.
    pub frame: Frame,
    /// Where its events come from.
    pub events: String,
    /// How the node stands, which moves.
    pub node: String,
    /// How those below it stand, likewise.
    pub fleet: String,
    /// Whether there are any.
    pub has_fleet: bool,
    /// Its last week.
    pub week: Week,
    /// Which of them are asked for, and in which order.
    pub view: View,
}

/// How the node stands.
#[derive(Template)]
#[template(path = "node-part.html")]
pub struct NodePart<'a> {
    /// What it tells.
    pub status: &'a Status,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
    /// Whether something is to be done about one of these.
    pub is_wrong: bool,
}

/// How the nodes below stand.
#[derive(Template)]
#[template(path = "fleet-part.html")]
pub struct FleetPart<'a> {
    /// What is asked for.
    pub view: &'a View,
    /// The rows of this page.
    pub rows: Vec<node::Row<'a>>,
    /// How many nodes there are.
    pub all: usize,
    /// How many of them are in trouble.
    pub in_trouble: usize,
    /// How many are as asked for.
    pub found: usize,
    /// Which page this is, from 1.
    pub page: usize,
    /// How many there are.
    pub pages: usize,
    /// Address of the page before.
    pub previous: Option<String>,
    /// Address of the page after.
    pub next: Option<String>,
}

/// Two versions of something, side by side.
pub struct ConflictCard {
    /// What names it.
    pub id: String,
    /// What kind of thing it is.
    pub kind: &'static str,
    /// Which one.
    pub subject: String,
    /// When it was noticed: for machines and for people, in UTC.
    pub noticed: (String, String),
    /// Where both differ.
    pub different: Vec<ConflictRow>,
    /// Where they do not.
    pub same: Vec<ConflictRow>,
    /// What to do, if it is two people who were given one name.
    pub namesake: Option<String>,
    /// Why what lost cannot be put back. None: it can.
    pub obstacle: Option<&'static str>,
    /// Nothing stands: it was deleted.
    pub is_gone: bool,
}

/// One thing that two versions say.
pub struct ConflictRow {
    /// What about.
    pub label: String,
    /// What the version says that stands.
    pub standing: Side,
    /// What the one says that lost.
    pub lost: Side,
}

/// `/admin/conflicts`
#[derive(Template)]
#[template(path = "conflicts.html")]
pub struct Conflicts {
    /// Around the page.
    pub frame: Frame,
    /// What became of the one that was settled last.
    pub outcome: Option<&'static str>,
    /// Those of this page.
    pub conflicts: Vec<ConflictCard>,
    /// The one before this page, if it is not the first.
    pub after: Option<String>,
    /// Address of the next page.
    pub next: Option<String>,
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    frame: Frame,
    detail: &'a str,
}

/// A part of a page, which is also sent alone.
pub fn part(part: &impl Template) -> Result<String, Problem> {
    part.render().map_err(Problem::internal)
}

/// A page as it is sent: for this visitor alone, so nobody keeps it.
pub fn render(page: &impl Template) -> Result<Reply, Problem> {
    render_as(page, StatusCode::OK)
}

/// The same, with another status.
pub fn render_as(page: &impl Template, status: StatusCode) -> Result<Reply, Problem> {
    render_with(page, status, POLICY)
}

/// A page that shows a frame from these origins.
pub fn render_framing(page: &impl Template, origins: &str) -> Result<Reply, Problem> {
    render_with(page, StatusCode::OK, &format!("{POLICY}; frame-src {origins}"))
}

/// A page that anybody may show in a frame: it has nothing to hide, and nothing to press.
pub fn render_frameable(page: &impl Template) -> Result<Reply, Problem> {
    let policy = POLICY.replace("; frame-ancestors 'none'", "");
    render_with(page, StatusCode::OK, &policy)
}

fn render_with(page: &impl Template, status: StatusCode, policy: &str) -> Result<Reply, Problem> {
    let html = page.render().map_err(Problem::internal)?;
    Ok(Reply::html(status, html)
        .with_header("cache-control", "no-store")
        .with_header("content-security-policy", policy)
        .with_header("referrer-policy", "same-origin")
        .with_header("x-content-type-options", "nosniff"))
}

/// A failure as a page; what only the operator may see goes to the log.
pub fn error(problem: &Problem, visitor: Option<&Visitor>) -> Reply {
    problem.log();
    let title = match problem.status {
        StatusCode::NOT_FOUND => "Page not found",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::UNAUTHORIZED => "Please sign in",
        StatusCode::SERVICE_UNAVAILABLE => "Busy",
        status if status.is_client_error() => "That did not work",
        _ => "Something went wrong",
    };
    let page = ErrorPage { frame: Frame::new(title, visitor), detail: &problem.detail };
    let reply = render_with(&page, problem.status, POLICY);
    let plain = |_| Reply::new(problem.status, "text/plain; charset=utf-8", problem.detail.clone());
    let headers = problem.headers.iter();
    headers.fold(reply.unwrap_or_else(plain), |reply, (name, value)| reply.with_header(name, value))
}
