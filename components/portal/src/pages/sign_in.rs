//! `/sign-in`

use askama::Template;
use hedgeschool_web::{Problem, Query, Reply};

use crate::layout::{Layout, render_page};

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignInPage {
    layout: Layout,
    /// The page to go on to.
    next: String,
    /// Whether an attempt has just failed.
    has_failed: bool,
    /// Whether the browser has just found itself in a session that was not begun in it.
    is_strange: bool,
}

/// `GET /sign-in?next=…`
///
/// # Errors
/// 500 if the template fails.
pub fn show_sign_in(query: &Query) -> Result<Reply, Problem> {
    render_page(&SignInPage {
        layout: Layout::new("Sign in", None),
        next: query.get("next").unwrap_or("/").to_owned(),
        has_failed: query.get("failed").is_some(),
        is_strange: query.get("strange").is_some(),
    })
}

/// Leads to that page, and from there on to the one that was asked for.
pub fn redirect_to_sign_in(next: &str) -> Reply {
    Reply::see_other(&format!("/sign-in?{}", Query::encode(&[("next", next)])))
}
