//! Two versions of something, thing by thing, and where they differ.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::marks::Side;
use crate::node::bytes;
use crate::page::ConflictRow;
use crate::progress::moment;

/// Rows of a conflict.
const ROWS_MAX: usize = 60;
/// What is nobody's to read: how nodes tell versions apart.
const INNER: [&str; 5] = ["seen", "writer", "etag", "is_content_cut", "content"];

/// What both versions say, thing by thing; `by` are the nodes that made them, and `home_page` the
/// home of the accounts of people here. What stands comes first.
pub fn compare(
    standing: &Value,
    lost: &Value,
    by: [Option<&str>; 2],
    home_page: Option<&str>,
) -> Vec<ConflictRow> {
    let [stands, loses] = [things(standing, by[0], home_page), things(lost, by[1], home_page)];
    let labels = stands.keys().chain(loses.keys().filter(|label| !stands.contains_key(*label)));
    let mut labels: Vec<_> = labels.collect();
    labels.sort();
    let text = |things: &Things, label: &Label| things.get(label).cloned();
    let row = |label: &Label| row(label.1.clone(), text(&stands, label), text(&loses, label));
    labels.into_iter().take(ROWS_MAX).map(row).collect()
}

/// The row of two passwords, of which nobody sees more than that they differ.
pub fn passwords() -> ConflictRow {
    let label = "Password".to_owned();
    ConflictRow { label, standing: Side::all("one"), lost: Side::all("another one") }
}

/// A place among the others, and a name.
type Label = (usize, String);
/// What a version says; beside the text what it stands for, where that is more than the text.
type Things = BTreeMap<Label, (String, Option<String>)>;

fn things(version: &Value, by: Option<&str>, home_page: Option<&str>) -> Things {
    let mut things = Things::new();
    let Value::Object(members) = version else { return things };
    for (name, value) in members {
        if INNER.contains(&name.as_str()) {
            continue;
        }
        match (name.as_str(), value) {
            ("stamp", Value::Number(stamp)) => {
                let (machine, people) = moment(stamp.as_i64().unwrap_or(0).div_euclid(1_000));
                things.insert((0, "Changed (UTC)".to_owned()), (people, Some(machine)));
            }
            ("agent", Value::String(agent)) => {
                things.insert(label(name), (person(agent, home_page), Some(agent.clone())));
            }
            _ => flatten(&label(name), value, &mut things),
        }
    }
    if version.get("writer").is_some() {
        let node = by.unwrap_or("another node").to_owned();
        things.insert((1, "At node".to_owned()), (node, None));
    }
    if members.contains_key("media_type") {
        content(version, &mut things);
    }
    things
}

/// What people call a member, and its place.
fn label(name: &str) -> Label {
    let known = [
        ("name", "Sign-in name"),
        ("display_name", "Name"),
        ("role", "Role"),
        ("home", "Belongs to node"),
        ("removed", "Removed"),
        ("id", "Id"),
        ("kind", "Kind"),
        ("agent", "Learner"),
        ("activity", "Activity"),
        ("registration", "Registration"),
        ("title", "Title"),
        ("package", "Package"),
        ("media_type", "Media type"),
    ];
    let found = known.iter().position(|(known, _)| *known == name);
    let place = found.and_then(|index| Some((index + 2, known.get(index)?.1.to_owned())));
    place.unwrap_or_else(|| (known.len() + 3, name.to_owned()))
}

/// Puts every value within a value under its path.
fn flatten(label: &Label, value: &Value, things: &mut Things) {
    let below = |name: &str| (label.0, format!("{}.{name}", label.1));
    let text = match value {
        Value::Object(members) if !members.is_empty() => {
            return members.iter().for_each(|(name, value)| flatten(&below(name), value, things));
        }
        Value::Array(items) if !items.is_empty() => {
            let items = items.iter().enumerate();
            return items
                .for_each(|(index, item)| flatten(&below(&index.to_string()), item, things));
        }
        Value::String(text) if text.is_empty() => return,
        Value::Null => return,
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    };
    things.insert(label.clone(), (text, None));
}

/// A document's content: JSON value by value, text as it is, and of anything else the size.
fn content(version: &Value, things: &mut Things) {
    let label = (label("media_type").0 + 1, "Content".to_owned());
    let Some(encoded) = version.get("content").and_then(Value::as_str) else {
        things.insert(label, ("deleted".to_owned(), None));
        return;
    };
    let decoded = STANDARD.decode(encoded).unwrap_or_default();
    if let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_slice(&decoded) {
        return flatten(&label, &value, things);
    }
    let is_cut = version.get("is_content_cut").is_some();
    let size =
        if is_cut { "more than ".to_owned() } else { String::new() } + &bytes(decoded.len() as u64);
    let text = match String::from_utf8(decoded) {
        Ok(text) if !text.contains('\0') => text,
        _ => size,
    };
    things.insert(label, (text, Some(encoded.to_owned())));
}

/// A learner as people know one.
fn person(agent: &str, home_page: Option<&str>) -> String {
    if let Some(address) = agent.strip_prefix("mbox:mailto:") {
        return address.to_owned();
    }
    let account = agent.strip_prefix("account:").and_then(|account| account.rsplit_once('|'));
    match account {
        Some((home, name)) if Some(home) == home_page => name.to_owned(),
        Some((home, name)) => format!("{name} at {home}"),
        None => agent.to_owned(),
    }
}

type Said = Option<(String, Option<String>)>;

fn row(label: String, standing: Said, lost: Said) -> ConflictRow {
    let is_other = standing != lost;
    let text = |said: Said| said.map_or_else(|| "–".to_owned(), |(text, _)| text);
    let (standing, lost) = (text(standing), text(lost));
    let [standing, lost] = Side::pair(&standing, &lost, is_other);
    ConflictRow { label, standing, lost }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::conflicts::marks::{AROUND_CHARACTERS, TEXT_CHARACTERS_MAX};

    const HOME: &str = "https://example.org/people";

    fn of(standing: Value, lost: Value) -> Vec<(String, String, String, bool)> {
        let rows = compare(&standing, &lost, [Some("hub"), None], Some(HOME)).into_iter();
        let text = |side: &Side| match side.marked.as_str() {
            "" => format!("{}{}", side.before, side.after),
            marked => format!("{}[{marked}]{}", side.before, side.after),
        };
        let row = |row: ConflictRow| {
            let differs = row.standing.differs(&row.lost);
            (row.label.clone(), text(&row.standing), text(&row.lost), differs)
        };
        rows.map(row).collect()
    }

    fn document(content: &str, stamp: i64) -> Value {
        json!({ "kind": "state", "agent": format!("account:{HOME}|ada"), "id": "resume",
            "etag": stamp,
            "media_type": "application/json", "stamp": stamp, "writer": "ab", "seen": {},
            "content": STANDARD.encode(content) })
    }

    #[test]
    fn documents_differ_in_what_they_hold_and_in_who_made_them_when() {
        let rows = of(
            document(r#"{"page":3,"seen":[1]}"#, 1_795_385_045_678_000),
            document(r#"{"page":2,"seen":[1]}"#, 1_795_385_105_678_000),
        );
        let row = |label: &str| rows.iter().find(|row| row.0 == label).cloned().unwrap();
        assert_eq!(row("Content.page"), ("Content.page".into(), "[3]".into(), "[2]".into(), true));
        assert!(!row("Content.seen.0").3 && !row("Learner").3);
        assert_eq!(row("Learner").1, "ada");
        assert_eq!((row("At node").1, row("At node").2), ("[hub]".into(), "[another node]".into()));
        assert_eq!(row("Changed (UTC)").1, "22 Nov 2026, 22:[04]");
        assert!(rows.iter().all(|row| !["etag", "seen", "writer"].contains(&row.0.as_str())));
        assert_eq!(rows[0].0, "Changed (UTC)");
    }

    #[test]
    fn a_difference_that_does_not_show_is_one() {
        let bytes = |end: u8| STANDARD.encode([0, 255, end]);
        let version = |end| json!({ "media_type": "image/png", "content": bytes(end) });
        let rows = of(version(1), version(2));
        let content = rows.last().unwrap();
        assert_eq!((content.1.as_str(), content.3), ("3 bytes", true));
        let rows = of(version(1), json!({ "media_type": "" }));
        assert_eq!(rows.last().unwrap().2, "[deleted]");
        assert_eq!(
            of(json!(null), json!({ "name": "x" })),
            [("Sign-in name".into(), "[–]".into(), "[x]".into(), true)]
        );
    }

    #[test]
    fn long_texts_are_cut_around_what_differs() {
        let same = "é ".repeat(1_000);
        let rows = of(
            json!({ "title": format!("{same}A {same}") }),
            json!({ "title": format!("{same}BB {same}") }),
        );
        let around = "é ".repeat(AROUND_CHARACTERS / 2);
        assert_eq!(rows[0].1, format!("…{around}[A] {}…", around.trim_end()));
        assert_eq!(rows[0].2, format!("…{around}[BB] {}…", around.trim_end()));
        let rows = of(json!({ "title": same }), json!({ "title": same }));
        assert_eq!((rows[0].1.chars().count(), rows[0].3), (TEXT_CHARACTERS_MAX + 1, false));
        let many: Vec<_> = (0..1_000).collect();
        assert_eq!(of(json!({ "many": many }), json!({})).len(), ROWS_MAX);
    }

    #[test]
    fn what_one_text_lacks_is_marked_in_the_other() {
        let rows = of(json!({ "title": "A hedge school" }), json!({ "title": "A school" }));
        assert_eq!((rows[0].1.as_str(), rows[0].2.as_str()), ("A [hedge ]school", "A school"));
        assert!(rows[0].3);
    }
}
