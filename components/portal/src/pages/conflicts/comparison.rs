//! Two versions of something, thing by thing, and where they differ.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hedgeschool_doctor::words::bytes;
use serde_json::Value;

use super::side::Side;
use crate::utc_time::UtcTime;

/// Rows of a conflict.
const ROWS_MAX: usize = 60;
/// What is nobody's to read: how nodes tell versions apart.
const INNER: [&str; 5] = ["seen", "writer", "etag", "is_content_cut", "content"];

/// One thing that two versions say.
pub struct ConflictRow {
    /// What about.
    pub label: String,
    /// What the current version says.
    pub current: Side,
    /// What the one says that lost.
    pub lost: Side,
}

impl ConflictRow {
    /// Whether the two do not say the same.
    pub fn is_different(&self) -> bool {
        self.current.differs(&self.lost)
    }

    fn of(label: String, current: Said, lost: Said) -> Self {
        let is_other = current != lost;
        let text = |said: Said| said.map_or_else(|| "–".to_owned(), |(text, _)| text);
        let (current, lost) = (text(current), text(lost));
        let [current, lost] = Side::compare(&current, &lost, is_other);
        Self { label, current, lost }
    }

    /// Two passwords, of which nobody sees more than that they differ.
    pub fn of_passwords() -> Self {
        let label = "Password".to_owned();
        Self { label, current: Side::all_marked("one"), lost: Side::all_marked("another one") }
    }
}

/// What both versions say, thing by thing; `by` are the nodes that made them, and `home_page` the
/// home of the accounts of people here. The current one comes first.
pub fn compare_versions(
    current: &Value,
    lost: &Value,
    by: [Option<&str>; 2],
    home_page: Option<&str>,
) -> Vec<ConflictRow> {
    let [current, lost] =
        [read_version(current, by[0], home_page), read_version(lost, by[1], home_page)];
    let labels = current.keys().chain(lost.keys().filter(|label| !current.contains_key(*label)));
    let mut labels: Vec<_> = labels.collect();
    labels.sort();
    let said = |things: &Things, label: &Label| things.get(label).cloned();
    let row =
        |label: &Label| ConflictRow::of(label.1.clone(), said(&current, label), said(&lost, label));
    labels.into_iter().take(ROWS_MAX).map(row).collect()
}

/// What a version says of one thing; beside the text what it stands for, where that is more than
/// the text. None: nothing.
type Said = Option<(String, Option<String>)>;
/// A rank among the others, and a name.
type Label = (usize, String);
/// What a version says; beside the text what it stands for, where that is more than the text.
type Things = BTreeMap<Label, (String, Option<String>)>;

fn read_version(version: &Value, by: Option<&str>, home_page: Option<&str>) -> Things {
    let mut things = Things::new();
    let Value::Object(members) = version else { return things };
    for (name, value) in members {
        if INNER.contains(&name.as_str()) {
            continue;
        }
        match (name.as_str(), value) {
            ("stamp", Value::Number(stamp)) => {
                let unix_us = stamp.as_i64().unwrap_or(0);
                let changed = UtcTime::from_unix_ms(unix_us.div_euclid(1_000));
                things.insert((0, "Changed (UTC)".to_owned()), (changed.text, Some(changed.iso)));
            }
            ("agent", Value::String(agent)) => {
                things
                    .insert(label_of(name), (name_learner(agent, home_page), Some(agent.clone())));
            }
            _ => flatten_value(&label_of(name), value, &mut things),
        }
    }
    if version.get("writer").is_some() {
        let node = by.unwrap_or("another node").to_owned();
        things.insert((1, "At node".to_owned()), (node, None));
    }
    if members.contains_key("media_type") {
        read_content(version, &mut things);
    }
    things
}

/// What people call a member, and its rank.
fn label_of(name: &str) -> Label {
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
    let label = found.and_then(|index| Some((index + 2, known.get(index)?.1.to_owned())));
    label.unwrap_or_else(|| (known.len() + 3, name.to_owned()))
}

/// Puts every value within a value under its path.
fn flatten_value(label: &Label, value: &Value, things: &mut Things) {
    let below = |name: &str| (label.0, format!("{}.{name}", label.1));
    let text = match value {
        Value::Object(members) if !members.is_empty() => {
            return members
                .iter()
                .for_each(|(name, value)| flatten_value(&below(name), value, things));
        }
        Value::Array(items) if !items.is_empty() => {
            let items = items.iter().enumerate();
            return items
                .for_each(|(index, item)| flatten_value(&below(&index.to_string()), item, things));
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
fn read_content(version: &Value, things: &mut Things) {
    let label = (label_of("media_type").0 + 1, "Content".to_owned());
    let Some(encoded) = version.get("content").and_then(Value::as_str) else {
        things.insert(label, ("deleted".to_owned(), None));
        return;
    };
    let decoded = STANDARD.decode(encoded).unwrap_or_default();
    if let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_slice(&decoded) {
        return flatten_value(&label, &value, things);
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
fn name_learner(agent: &str, home_page: Option<&str>) -> String {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pages::conflicts::side::{AROUND_CHARACTERS, TEXT_CHARACTERS_MAX};

    const HOME: &str = "https://example.org/people";

    fn compared(current: Value, lost: Value) -> Vec<(String, String, String, bool)> {
        let rows = compare_versions(&current, &lost, [Some("hub"), None], Some(HOME)).into_iter();
        let text = |side: &Side| match side.marked.as_str() {
            "" => format!("{}{}", side.before, side.after),
            marked => format!("{}[{marked}]{}", side.before, side.after),
        };
        let row = |row: ConflictRow| {
            let differs = row.is_different();
            (row.label.clone(), text(&row.current), text(&row.lost), differs)
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
        let rows = compared(
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
        let rows = compared(version(1), version(2));
        let content = rows.last().unwrap();
        assert_eq!((content.1.as_str(), content.3), ("3 bytes", true));
        let rows = compared(version(1), json!({ "media_type": "" }));
        assert_eq!(rows.last().unwrap().2, "[deleted]");
        assert_eq!(
            compared(json!(null), json!({ "name": "x" })),
            [("Sign-in name".into(), "[–]".into(), "[x]".into(), true)]
        );
    }

    #[test]
    fn long_texts_are_cut_around_what_differs() {
        let same = "é ".repeat(1_000);
        let rows = compared(
            json!({ "title": format!("{same}A {same}") }),
            json!({ "title": format!("{same}BB {same}") }),
        );
        let around = "é ".repeat(AROUND_CHARACTERS / 2);
        assert_eq!(rows[0].1, format!("…{around}[A] {}…", around.trim_end()));
        assert_eq!(rows[0].2, format!("…{around}[BB] {}…", around.trim_end()));
        let rows = compared(json!({ "title": same }), json!({ "title": same }));
        assert_eq!((rows[0].1.chars().count(), rows[0].3), (TEXT_CHARACTERS_MAX + 1, false));
        let many: Vec<_> = (0..1_000).collect();
        assert_eq!(compared(json!({ "many": many }), json!({})).len(), ROWS_MAX);
    }

    #[test]
    fn what_one_text_lacks_is_marked_in_the_other() {
        let rows = compared(json!({ "title": "A hedge school" }), json!({ "title": "A school" }));
        assert_eq!((rows[0].1.as_str(), rows[0].2.as_str()), ("A [hedge ]school", "A school"));
        assert!(rows[0].3);
    }
}
