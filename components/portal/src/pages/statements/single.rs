//! One statement.

use askama::Template;
use hedgeschool_web::{Problem, Reply};
use hedgeschool_xapi::format::LanguagePreference;
use hedgeschool_xapi::parse_uuid;

use super::cells::StatementRow;
use super::filter_form::FilterForm;
use super::pretty_json::lay_out;
use super::rows::{REFUSAL, read_rows};
use crate::layout::{Layout, render_page};
use crate::store::{StoredStatement, statements};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "statement.html")]
struct StatementPage {
    layout: Layout,
    /// Its id.
    id: String,
    /// Whether it is voided.
    is_voided: bool,
    /// What it says.
    row: StatementRow,
    /// The statement as JSON, laid out.
    json: String,
}

/// `GET /statements/{id}`
///
/// # Errors
/// 403 for who is no administrator; 404 if there is no such statement here; what the progress
/// store answers if it fails.
pub async fn show_statement(
    visitor: &Visitor,
    id: &str,
    languages: &[LanguagePreference],
) -> Result<Reply, Problem> {
    visitor.require_administrator(REFUSAL)?;
    let none = || Problem::not_found("There is no statement with this id on this node.");
    let id = parse_uuid(id).ok_or_else(none)?.hyphenated().to_string();
    let (found, is_voided) = find_statement(&id).await?.ok_or_else(none)?;
    let found = [found];
    let row = read_rows(&found, &FilterForm::default(), visitor, languages).await?.pop();
    let [StoredStatement { body, .. }] = &found;
    render_page(&StatementPage {
        layout: Layout::new("Statement", Some(visitor)),
        id,
        is_voided,
        row: row.ok_or_else(none)?,
        json: lay_out(body),
    })
}

/// A statement, and whether it is voided.
async fn find_statement(id: &str) -> Result<Option<(StoredStatement, bool)>, Problem> {
    if let Some(found) = statements::get(id.to_owned(), false).await? {
        return Ok(Some((found, false)));
    }
    Ok(statements::get(id.to_owned(), true).await?.map(|found| (found, true)))
}
