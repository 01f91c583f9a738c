//! Statements of the store as rows, each text in the language the reader likes best.

use std::collections::HashMap;

use hedgeschool_web::Problem;
use hedgeschool_xapi::format::{Format, LanguagePreference, reduce};
use serde_json::Value;

use super::cells::StatementRow;
use super::filter_form::FilterForm;
use crate::store::{StoredStatement, directory};
use crate::visitor::Visitor;

/// Said to who is no administrator.
pub const REFUSAL: &str = "Only administrators look through everyone's statements.";

/// Statements as rows, whose links add to a form's conditions.
///
/// # Errors
/// What the progress store answers if it fails; 500 if it has something that is no JSON.
pub async fn read_rows(
    list: &[StoredStatement],
    form: &FilterForm,
    visitor: &Visitor,
    languages: &[LanguagePreference],
) -> Result<Vec<StatementRow>, Problem> {
    let values = list.iter().map(|found| serde_json::from_str(&found.body));
    let mut values: Vec<Value> = values.collect::<Result<_, _>>().map_err(Problem::internal)?;
    let definitions = load_definitions(activity_ids(&values)).await?;
    for value in &mut values {
        reduce(value, Format::Canonical, languages, &|id| definitions.get(id).cloned());
    }
    Ok(values.iter().map(|value| StatementRow::of(value, form, visitor.home_page())).collect())
}

/// The activities that statements are about, each once.
fn activity_ids(statements: &[Value]) -> Vec<String> {
    let ids = statements.iter().filter_map(|value| value.pointer("/object/id")?.as_str());
    let mut ids: Vec<_> = ids.map(str::to_owned).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// What the store knows of activities: many statements name only their ids.
async fn load_definitions(ids: Vec<String>) -> Result<HashMap<String, Value>, Problem> {
    let found = directory::definitions(ids.clone()).await?;
    let known = |(id, text): (String, Option<String>)| Some((id, text?));
    let parsed = |(id, text): (String, String)| Ok((id, serde_json::from_str(&text)?));
    let known = ids.into_iter().zip(found).filter_map(known).map(parsed);
    known.collect::<Result<_, serde_json::Error>>().map_err(Problem::internal)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::activity_ids;

    #[test]
    fn each_activity_is_asked_for_once() {
        let about = |id: &str| json!({ "object": { "id": id } });
        let group = json!({ "object": { "objectType": "Group" } });
        assert_eq!(activity_ids(&[about("b"), group, about("a"), about("b")]), ["a", "b"]);
    }
}
