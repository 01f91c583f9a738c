//! What is around every page, what every page is sent with, and what a failure looks like as one.

use askama::Template;
use hedgeschool_web::{Problem, Reply, StatusCode};

use crate::visitor::Visitor;

/// Pages run no script but the portal's own files, and are framed by nobody.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What is around every page.
pub struct Layout {
    /// The page's title.
    pub title: String,
    /// How the header greets whoever signed in.
    pub visitor: Option<String>,
    /// Whether the header shows the way to administration.
    pub is_administrator: bool,
    /// By what the visitor's browser knows the session for its own.
    pub browser: String,
}

impl Layout {
    /// What is around a page for a visitor.
    pub fn new(title: &str, visitor: Option<&Visitor>) -> Self {
        Self {
            title: title.to_owned(),
            visitor: visitor.map(|visitor| visitor.display_name.clone()),
            is_administrator: visitor.is_some_and(|visitor| visitor.is_administrator),
            browser: visitor.map(|visitor| visitor.browser.clone()).unwrap_or_default(),
        }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    layout: Layout,
    detail: String,
    advice: &'a str,
    is_signed_out: bool,
}

/// A part of a page, which is also sent alone.
///
/// # Errors
/// 500 if the template fails.
pub fn render_part(part: &impl Template) -> Result<String, Problem> {
    part.render().map_err(Problem::internal)
}

/// A page as it is sent: for this visitor alone, so nobody keeps it.
///
/// # Errors
/// 500 if the template fails.
pub fn render_page(page: &impl Template) -> Result<Reply, Problem> {
    render_with_status(page, StatusCode::OK)
}

/// The same, with another status.
///
/// # Errors
/// 500 if the template fails.
pub fn render_with_status(page: &impl Template, status: StatusCode) -> Result<Reply, Problem> {
    render_with_policy(page, status, POLICY)
}

/// A page that shows a frame from these origins.
///
/// # Errors
/// 500 if the template fails.
pub fn render_framing(page: &impl Template, origins: &str) -> Result<Reply, Problem> {
    render_with_policy(page, StatusCode::OK, &format!("{POLICY}; frame-src {origins}"))
}

/// A page that anybody may show in a frame: it has nothing to hide, and nothing to press.
///
/// # Errors
/// 500 if the template fails.
pub fn render_frameable(page: &impl Template) -> Result<Reply, Problem> {
    let policy = POLICY.replace("; frame-ancestors 'none'", "");
    render_with_policy(page, StatusCode::OK, &policy)
}

fn render_with_policy(
    page: &impl Template,
    status: StatusCode,
    policy: &str,
) -> Result<Reply, Problem> {
    let html = page.render().map_err(Problem::internal)?;
    Ok(Reply::html(status, html)
        .with_header("cache-control", "no-store")
        .with_header("content-security-policy", policy)
        .with_header("referrer-policy", "same-origin")
        .with_header("x-content-type-options", "nosniff"))
}

/// A failure as a page; what only the operator may see goes to the log.
pub fn render_problem(problem: &Problem, visitor: Option<&Visitor>) -> Reply {
    problem.log();
    let page = ErrorPage {
        layout: Layout::new(error_title(problem.status), visitor),
        detail: to_sentence(&problem.detail),
        advice: error_advice(problem.status),
        is_signed_out: problem.status == StatusCode::UNAUTHORIZED,
    };
    let reply = render_with_status(&page, problem.status);
    let plain = |_| Reply::new(problem.status, "text/plain; charset=utf-8", problem.detail.clone());
    let headers = problem.headers.iter();
    headers.fold(reply.unwrap_or_else(plain), |reply, (name, value)| reply.with_header(name, value))
}

fn error_title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Page not found",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::UNAUTHORIZED => "Please sign in",
        StatusCode::SERVICE_UNAVAILABLE => "Busy",
        status if status.is_client_error() => "That did not work",
        _ => "Something went wrong",
    }
}

/// What the reader can do, where the failure itself does not say so.
fn error_advice(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Check the address, or begin at the courses.",
        StatusCode::INTERNAL_SERVER_ERROR => {
            "It is not your fault. Try again in a minute; if it happens again, tell your teacher."
        }
        _ => "",
    }
}

/// Details are written to follow a colon. On a page they stand alone.
fn to_sentence(detail: &str) -> String {
    let mut characters = detail.trim().chars();
    let Some(first) = characters.next() else { return String::new() };
    let mut sentence: String = first.to_uppercase().chain(characters).collect();
    if !sentence.ends_with(['.', '!', '?', '…']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_reads_as_a_sentence() {
        assert_eq!(to_sentence("the node is busy: try again"), "The node is busy: try again.");
        assert_eq!(to_sentence("There is no page here."), "There is no page here.");
        assert_eq!(to_sentence("état inconnu"), "État inconnu.");
        assert_eq!(to_sentence(" "), "");
    }

    #[test]
    fn a_failure_has_a_title_and_says_what_to_do() {
        assert_eq!(error_title(StatusCode::UNAUTHORIZED), "Please sign in");
        assert_eq!(error_title(StatusCode::CONFLICT), "That did not work");
        assert_eq!(error_title(StatusCode::INSUFFICIENT_STORAGE), "Something went wrong");
        assert!(error_advice(StatusCode::INTERNAL_SERVER_ERROR).contains("Try again"));
        assert_eq!(error_advice(StatusCode::SERVICE_UNAVAILABLE), "", "its detail says it");
    }

    #[test]
    fn the_header_is_as_the_visitor_may_see_it() {
        let layout = Layout::new("Courses", None);
        assert!(layout.visitor.is_none() && !layout.is_administrator && layout.browser.is_empty());
    }
}
