//! Statements as rows of a table.

use anyhow::Result;
use serde_json::Value;
use serde_json::value::RawValue;

const COLUMNS: [&str; 15] = [
    "stored",
    "timestamp",
    "id",
    "actor_name",
    "actor",
    "verb",
    "verb_display",
    "object",
    "object_name",
    "success",
    "completion",
    "score_scaled",
    "score_raw",
    "duration",
    "registration",
];

/// The row with the columns' names.
pub fn header_row() -> Vec<u8> {
    let mut head = COLUMNS.join(",").into_bytes();
    head.push(b'\n');
    head
}

/// A row for each statement.
///
/// # Errors
/// When one is no JSON.
pub fn csv_rows(statements: &[Box<RawValue>]) -> Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    for statement in statements {
        table.write_record(csv_row(&serde_json::from_str(statement.get())?))?;
    }
    Ok(table.into_inner().map_err(csv::IntoInnerError::into_error)?)
}

fn csv_row(statement: &Value) -> [String; 15] {
    let cell = |pointer: &str| statement.pointer(pointer).map(to_cell).unwrap_or_default();
    let part = |name: &str| statement.get(name).unwrap_or(&Value::Null);
    let (actor, object) = (part("actor"), part("object"));
    [
        cell("/stored"),
        cell("/timestamp"),
        cell("/id"),
        cell("/actor/name"),
        without_formula(identifier_of(actor)),
        cell("/verb/id"),
        without_formula(text_of(statement.pointer("/verb/display"))),
        without_formula(identifier_of(object)),
        without_formula(name_of(object)),
        cell("/result/success"),
        cell("/result/completion"),
        cell("/result/score/scaled"),
        cell("/result/score/raw"),
        cell("/result/duration"),
        cell("/context/registration"),
    ]
}

/// A value as a cell: numbers, `true` and `false` as they are.
fn to_cell(value: &Value) -> String {
    match value {
        Value::String(text) => without_formula(text.clone()),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => String::new(),
    }
}

/// A text that no spreadsheet takes for a formula: who names an actor must not run anything on the
/// machine of who looks at the table.
fn without_formula(text: String) -> String {
    let begins_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if begins_formula { format!("'{text}") } else { text }
}

/// What identifies an actor or object: an id, or one of the four identifiers of agents and groups,
/// an account as `homePage|name`. Of a group without one, what identifies its members.
fn identifier_of(thing: &Value) -> String {
    let text = |pointer: &str| thing.pointer(pointer).and_then(Value::as_str);
    let plain = ["/id", "/mbox", "/openid", "/mbox_sha1sum"].into_iter().find_map(text);
    if let Some(plain) = plain {
        return plain.to_owned();
    }
    if let Some((home, name)) = text("/account/homePage").zip(text("/account/name")) {
        return format!("{home}|{name}");
    }
    let members = thing.get("member").and_then(Value::as_array).into_iter().flatten();
    members.map(identifier_of).collect::<Vec<_>>().join(" ")
}

/// The name of an activity, agent or group; of a sub-statement, that it is one.
fn name_of(object: &Value) -> String {
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    match text("objectType") {
        Some(kind @ "SubStatement") => kind.to_owned(),
        _ => match text("name") {
            Some(name) => name.to_owned(),
            None => text_of(object.pointer("/definition/name")),
        },
    }
}

/// A text of a language map: English if there is one, else the first.
fn text_of(map: Option<&Value>) -> String {
    let map = map.and_then(Value::as_object);
    let is_english =
        |tag: &str| tag.split('-').next().is_some_and(|t| t.eq_ignore_ascii_case("en"));
    let english = map.and_then(|map| map.iter().find(|(tag, _)| is_english(tag)));
    let first = map.and_then(|map| map.iter().next());
    let text = english.or(first).and_then(|(_, text)| text.as_str());
    text.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cells(statement: &Value) -> Vec<(&'static str, String)> {
        COLUMNS.into_iter().zip(csv_row(statement)).filter(|(_, cell)| !cell.is_empty()).collect()
    }

    #[test]
    fn texts_do_not_become_formulas_and_numbers_stay_numbers() {
        let statement = json!({
            "actor": { "name": "=HYPERLINK(\"x\")", "account": { "homePage": "h", "name": "n" } },
            "verb": { "id": "v", "display": { "de": "-tat", "en-GB": "@did" } },
            "object": { "id": "o", "definition": { "name": { "fr": "+le" } } },
            "result": { "success": false, "score": { "scaled": -0.5, "raw": -3 },
                "duration": "PT1S" },
        });
        let expected = [
            ("actor_name", "'=HYPERLINK(\"x\")"),
            ("actor", "h|n"),
            ("verb", "v"),
            ("verb_display", "'@did"),
            ("object", "o"),
            ("object_name", "'+le"),
            ("success", "false"),
            ("score_scaled", "-0.5"),
            ("score_raw", "-3"),
            ("duration", "PT1S"),
        ];
        assert_eq!(cells(&statement), expected.map(|(name, cell)| (name, cell.to_owned())));
    }

    #[test]
    fn whoever_and_whatever_has_an_identifier_if_it_can() {
        let group = json!({ "member": [{ "mbox": "mailto:a@x" }, { "openid": "http://b" }] });
        assert_eq!(identifier_of(&group), "mailto:a@x http://b");
        assert_eq!(identifier_of(&json!({ "mbox_sha1sum": "0f" })), "0f");
        let nested = json!({ "objectType": "SubStatement", "actor": { "mbox": "mailto:a@x" } });
        assert_eq!(
            (identifier_of(&nested), name_of(&nested)),
            (String::new(), "SubStatement".into())
        );
        assert_eq!(name_of(&json!({ "objectType": "Agent", "name": "Ada" })), "Ada");
    }
}
