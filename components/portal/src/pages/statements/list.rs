//! A list of statements under conditions.

use askama::Template;
use hedgeschool_web::{Problem, Query, Reply, StatusCode};
use hedgeschool_xapi::format::LanguagePreference;

use super::cells::StatementRow;
use super::filter_form::FilterForm;
use super::rows::{REFUSAL, read_rows};
use crate::layout::{Layout, render_with_status};
use crate::store::{StoredStatement, statements};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "statements.html")]
struct StatementsPage {
    layout: Layout,
    /// What is asked for.
    form: FilterForm,
    /// Newest first.
    rows: Vec<StatementRow>,
    /// Address of the first page, if this is another.
    newest: Option<String>,
    /// Address of the next page, if there is one.
    older: Option<String>,
}

/// `GET /statements`
///
/// # Errors
/// 403 for who is no administrator; what the progress store answers if it fails.
pub async fn show_statements(
    visitor: &Visitor,
    query: &Query,
    languages: &[LanguagePreference],
) -> Result<Reply, Problem> {
    visitor.require_administrator(REFUSAL)?;
    let (form, filter) = FilterForm::read(query, visitor.home_page());
    let status = if filter.is_some() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let found = match filter {
        Some(filter) => Some(statements::query(filter).await?),
        None => None,
    };
    let (list, has_more) = found.map_or_else(Default::default, |page| (page.statements, page.more));
    let page = StatementsPage {
        layout: Layout::new("Statements", Some(visitor)),
        rows: read_rows(&list, &form, visitor, languages).await?,
        newest: form.is_continued().then(|| form.first_address()),
        older: older_address(&form, &list, has_more),
        form,
    };
    render_with_status(&page, status)
}

/// Where the list goes on: after the last statement of this page, if there are more.
fn older_address(form: &FilterForm, list: &[StoredStatement], has_more: bool) -> Option<String> {
    list.last().filter(|_| has_more).map(|last| form.address_after(last.sequence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_goes_on_after_its_last_statement_if_there_are_more() {
        let form = FilterForm::default();
        let stored =
            |sequence| StoredStatement { sequence, stored: String::new(), body: String::new() };
        let list = [7, 5].map(stored);
        assert_eq!(older_address(&form, &list, true).as_deref(), Some("/statements?after=5"));
        assert_eq!(older_address(&form, &list, false), None);
        assert_eq!(older_address(&form, &[], true), None);
    }
}
