//! Looking through the record: a list of statements under conditions, and one statement.

mod cells;
mod form;
mod pretty;

use std::collections::HashMap;

use hedgeschool_web::{Problem, Query, Reply, StatusCode};
use hedgeschool_xapi::format::{Format, LanguagePreference, reduce};
use hedgeschool_xapi::parse_uuid;
use serde_json::Value;

use crate::Visitor;
use crate::page::{self, Frame, StatementRow};
use crate::store::{StoredStatement, directory, statements};
pub use form::Form;

/// `/statements`
pub async fn browse(
    visitor: &Visitor,
    query: &Query,
    languages: &[LanguagePreference],
) -> Result<Reply, Problem> {
    check(visitor)?;
    let (form, filter) = Form::read(query, visitor.home_page());
    let status = if filter.is_some() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let found = match filter {
        Some(filter) => Some(statements::query(filter).await?),
        None => None,
    };
    let (list, has_more) = found.map_or_else(Default::default, |page| (page.statements, page.more));
    let older = list.last().filter(|_| has_more).map(|last| form.after(last.sequence));
    let page = page::Statements {
        frame: Frame::new("Statements", Some(visitor)),
        rows: rows(&list, &form, visitor, languages).await?,
        newest: form.goes_on().then(|| form.first()),
        older,
        form,
    };
    page::render_as(&page, status)
}

/// `/statements/{id}`
pub async fn show(
    visitor: &Visitor,
    id: &str,
    languages: &[LanguagePreference],
) -> Result<Reply, Problem> {
    check(visitor)?;
    let none = || Problem::not_found("There is no statement with this id on this node.");
    let id = parse_uuid(id).ok_or_else(none)?.hyphenated().to_string();
    let (found, is_voided) = match statements::get(id.clone(), false).await? {
        Some(found) => (Some(found), false),
        None => (statements::get(id.clone(), true).await?, true),
    };
    let found = [found.ok_or_else(none)?];
    let row = rows(&found, &Form::default(), visitor, languages).await?.pop();
    let [StoredStatement { body, .. }] = &found;
    page::render(&page::Statement {
        frame: Frame::new("Statement", Some(visitor)),
        id,
        is_voided,
        row: row.ok_or_else(none)?,
        json: pretty::print(body),
    })
}

fn check(visitor: &Visitor) -> Result<(), Problem> {
    let refusal = "Only administrators look through everyone's statements.";
    if visitor.is_administrator { Ok(()) } else { Err(Problem::forbidden(refusal)) }
}

/// Statements as rows, each text in the language the reader likes best.
async fn rows(
    list: &[StoredStatement],
    form: &Form,
    visitor: &Visitor,
    languages: &[LanguagePreference],
) -> Result<Vec<StatementRow>, Problem> {
    let values = list.iter().map(|found| serde_json::from_str(&found.body));
    let mut values: Vec<Value> = values.collect::<Result<_, _>>().map_err(Problem::internal)?;
    let definitions = definitions(&values).await?;
    for value in &mut values {
        reduce(value, Format::Canonical, languages, &|id| definitions.get(id).cloned());
    }
    Ok(values.iter().map(|value| cells::row(value, form, visitor.home_page())).collect())
}

/// What the store knows of the activities that statements are about: many name them only once.
async fn definitions(statements: &[Value]) -> Result<HashMap<String, Value>, Problem> {
    let ids = statements.iter().filter_map(|value| value.pointer("/object/id")?.as_str());
    let mut ids: Vec<_> = ids.map(str::to_owned).collect();
    ids.sort_unstable();
    ids.dedup();
    let found = directory::definitions(ids.clone()).await?;
    let known = |(id, text): (String, Option<String>)| Some((id, text?));
    let parsed = |(id, text): (String, String)| Ok((id, serde_json::from_str(&text)?));
    let known = ids.into_iter().zip(found).filter_map(known).map(parsed);
    known.collect::<Result<_, serde_json::Error>>().map_err(Problem::internal)
}
