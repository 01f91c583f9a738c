//! Comparison of statements (2.3.1, immutability and "Statement Comparison Requirements").
//!
//! Two statements of one id are the same when they differ only in
//! - what a record store sets: id, authority, stored, timestamp, version;
//! - what is not part of a statement: activity definitions, displays of verbs, the data of
//!   attachments;
//! - what has no order or no case: members of a group, UUIDs, language tags, domains of addresses,
//!   hashes;
//! - how a moment was written, or a duration beyond hundredths of a second (4.6);
//! - a context activity with or without an array around it (2.4.6.2);
//! - how JSON writes numbers and strings, and the order of properties.
//!
//! "Attachments are not part of Statements" (2.3.1) is said of what the `attachments` parameter
//! leaves out: their data. The property of that name describes them (2.4.11), is always returned,
//! and counts: who sends another file under the same id must hear of it.

use std::borrow::Cow;
use std::io::Write;

use serde_json::Number;
use sha2::{Digest, Sha256};

use crate::actor::same_mailbox;
use crate::duration::comparable_duration;
use crate::json::{Json, Object};
use crate::timestamp::parse_timestamp;

/// Half a SHA-256 over what must be equal.
pub fn fingerprint(statement: &Json) -> [u8; 16] {
    let mut form = Vec::with_capacity(1_024);
    write_value(&mut form, Kind::Statement, statement);
    let digest: [u8; 32] = Sha256::digest(form).into();
    digest.first_chunk().copied().unwrap_or_default()
}

/// What a value is in a statement, which decides what of it counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Statement,
    SubStatement,
    /// Of any of the types that an `objectType` tells.
    Object,
    Actor,
    /// Agents in no order.
    Members,
    Verb,
    /// One or a list of them.
    Activity,
    Result,
    Context,
    ContextActivities,
    /// A list of agents or groups with their types.
    ContextActors,
    Reference,
    /// A list of what is said of attachments.
    Attachments,
    Moment,
    Duration,
    Mailbox,
    /// A string without case.
    Caseless,
    /// Counts as it is, and all that is in it.
    Plain,
}

impl Kind {
    /// The kind of a property of such a value. None: it does not count.
    fn of(self, property: &str) -> Option<Self> {
        Some(match (self, property) {
            (Self::Statement, "id" | "authority" | "stored" | "timestamp" | "version") => {
                return None;
            }
            (Self::Verb, "display") | (Self::Activity, "definition") => return None,
            (Self::SubStatement, "timestamp") => Self::Moment,
            (Self::Statement | Self::SubStatement, "actor")
            | (Self::Context, "instructor" | "team")
            | (Self::ContextActors, "agent" | "group") => Self::Actor,
            (Self::Statement | Self::SubStatement, "verb") => Self::Verb,
            (Self::Statement | Self::SubStatement, "object") => Self::Object,
            (Self::Statement | Self::SubStatement, "result") => Self::Result,
            (Self::Statement | Self::SubStatement, "context") => Self::Context,
            (Self::Statement | Self::SubStatement, "attachments") => Self::Attachments,
            (Self::Actor, "mbox") => Self::Mailbox,
            (Self::Actor, "member") => Self::Members,
            (Self::Result, "duration") => Self::Duration,
            (Self::Context, "contextActivities") => Self::ContextActivities,
            (Self::Context, "contextAgents" | "contextGroups") => Self::ContextActors,
            (Self::Context, "statement") => Self::Reference,
            (Self::ContextActivities, _) => Self::Activity,
            (Self::Actor, "mbox_sha1sum")
            | (Self::Attachments, "sha2")
            | (Self::Context, "registration" | "language")
            | (Self::Reference, "id") => Self::Caseless,
            _ => Self::Plain,
        })
    }

    /// What the object of a statement is (2.4.4).
    fn of_object(object: &Object) -> Self {
        match object.get("objectType").and_then(Json::as_str) {
            Some("Agent" | "Group") => Self::Actor,
            Some("StatementRef") => Self::Reference,
            Some("SubStatement") => Self::SubStatement,
            _ => Self::Activity,
        }
    }
}

/// Writes a value in one form only: names sorted, numbers by value, and nothing that does not
/// count.
fn write_value(out: &mut Vec<u8>, kind: Kind, value: &Json) {
    match value {
        Json::Object(members) if kind == Kind::Object => {
            write_object(out, Kind::of_object(members), members);
        }
        Json::Object(members) => write_object(out, kind, members),
        Json::Array(items) => write_list(out, kind, items),
        Json::Number(number) => write_number(out, number),
        Json::String(text) => write_text(out, &comparable(kind, text)),
        Json::Bool(true) => out.push(b't'),
        Json::Bool(false) => out.push(b'f'),
        Json::Null => out.push(b'n'),
    }
}

fn write_object(out: &mut Vec<u8>, kind: Kind, members: &Object) {
    out.push(b'{');
    // They come sorted.
    for (name, value) in members.iter() {
        if let Some(kind) = kind.of(name) {
            write_text(out, name);
            write_value(out, kind, value);
        }
    }
    out.push(b'}');
}

fn write_list(out: &mut Vec<u8>, kind: Kind, items: &[Json]) {
    match items {
        [only] if kind == Kind::Activity => return write_value(out, kind, only),
        _ => out.push(b'['),
    }
    if kind == Kind::Members {
        let mut members: Vec<Vec<u8>> = items.iter().map(member_form).collect();
        members.sort_unstable();
        out.extend(members.into_iter().flatten());
    } else {
        items.iter().for_each(|item| write_value(out, kind, item));
    }
    out.push(b']');
}

fn member_form(agent: &Json) -> Vec<u8> {
    let mut form = Vec::new();
    write_value(&mut form, Kind::Actor, agent);
    form
}

/// A text in the form that all texts have which count as the same.
fn comparable(kind: Kind, text: &str) -> Cow<'_, str> {
    match kind {
        Kind::Caseless => text.to_lowercase().into(),
        Kind::Mailbox => same_mailbox(text).into(),
        Kind::Duration => comparable_duration(text).into(),
        // A store may round to milliseconds (4.5).
        Kind::Moment => match parse_timestamp(text) {
            Some(unix_us) => unix_us.div_euclid(1_000).to_string().into(),
            None => text.into(),
        },
        _ => text.into(),
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    // With its length before it, any two texts are told apart and nothing needs escaping.
    out.push(b'"');
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// 1, 1.0 and 1e0 are one number; whole ones are exact, however large.
fn write_number(out: &mut Vec<u8>, number: &Number) {
    // Writing to memory cannot fail.
    let _ = match number.as_f64() {
        Some(float) if number.is_f64() => write!(out, "{float};"),
        _ => write!(out, "{number};"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// Any JSON, as extensions may hold.
    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
        ];
        let name = prop_oneof!["display", "definition", "member", "timestamp", "\\PC{0,6}"];
        leaf.prop_recursive(3, 20, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(name.clone(), inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn extensions_count_to_the_last_value(one in any_json(), other in any_json()) {
            let print = |extension: &Value| {
                let extensions = json!({"https://example.org/e": extension});
                fingerprint(&Json::from(&json!({"context": {"extensions": extensions}})))
            };
            prop_assert_eq!(print(&one) == print(&other), one == other);
        }

        #[test]
        fn the_order_of_members_does_not_count(
            (members, shuffled) in prop::collection::vec("[a-c]{1,2}", 0..6)
                .prop_flat_map(|names| (Just(names.clone()), Just(names).prop_shuffle())),
        ) {
            let print = |names: &[String]| {
                let agent = |name: &String| json!({"mbox": format!("mailto:{name}@example.org")});
                let members: Vec<Value> = names.iter().map(agent).collect();
                let group = json!({"objectType": "Group", "member": members});
                fingerprint(&Json::from(&json!({"actor": group})))
            };
            prop_assert_eq!(print(&members), print(&shuffled));
        }
    }
}
