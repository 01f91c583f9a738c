//! A conflict of a store, as administrators see it.

use hedgeschool_journal_types::types as stored;

use crate::error::{Result, SyncError};

/// A version that lost, and what stands.
#[derive(Debug, serde::Serialize)]
pub struct ListedConflict {
    /// Names it in its journal.
    pub key: u64,
    /// What kind of thing it is about.
    pub kind: String,
    /// Which one.
    pub subject: String,
    /// JSON.
    pub lost: serde_json::Value,
    /// JSON; null: it is gone.
    pub standing: serde_json::Value,
    /// Milliseconds since 1970.
    pub noticed_ms: i64,
    /// The node to which what it lost against belongs, where that is another one than its own.
    pub against: Option<String>,
    /// What lost can be put in place of what stands.
    pub is_restorable: bool,
    /// Both have passwords, and these are not the same.
    pub has_other_password: bool,
    /// About how many bytes it has.
    #[serde(skip)]
    pub bytes: usize,
}

const PASSWORD: &str = "password_hash";

/// Most bytes of a document's content, in base64, that administrators see: whole groups of four.
const CONTENT_BYTES: usize = 65_536;
/// About the most bytes of a version that they see; statements are shown whole.
const SHOWN_BYTES: usize = 1 << 20;

/// A conflict as administrators see it.
pub fn list_conflict(found: stored::Conflict) -> Result<ListedConflict> {
    let texts = [Some(&found.lost), found.standing.as_ref()];
    let bytes = texts.into_iter().flatten().map(|text| text.len().min(SHOWN_BYTES)).sum();
    let (lost, standing) =
        (parse_version(Some(&found.lost))?, parse_version(found.standing.as_ref())?);
    Ok(ListedConflict {
        bytes,
        key: found.key,
        kind: found.kind,
        subject: found.subject,
        has_other_password: have_other_passwords(&lost, &standing),
        lost: show_version(lost),
        standing: show_version(standing),
        noticed_ms: found.noticed,
        against: found.against,
        is_restorable: found.is_restorable,
    })
}

/// A version as the store has it; null: there is none.
fn parse_version(json: Option<&String>) -> Result<serde_json::Value> {
    let parsed = json.map(|json| serde_json::from_str(json)).transpose();
    Ok(parsed.map_err(SyncError::Unreadable)?.unwrap_or_default())
}

fn have_other_passwords(one: &serde_json::Value, other: &serde_json::Value) -> bool {
    one.get(PASSWORD).zip(other.get(PASSWORD)).is_some_and(|(one, other)| one != other)
}

/// A version as administrators see it: without what would let them sign in as somebody else, and
/// of a long content its beginning.
fn show_version(mut version: serde_json::Value) -> serde_json::Value {
    let serde_json::Value::Object(members) = &mut version else { return version };
    members.remove(PASSWORD);
    if let Some(serde_json::Value::String(content)) = members.get_mut("content")
        && content.len() > CONTENT_BYTES
    {
        content.truncate(content.floor_char_boundary(CONTENT_BYTES));
        members.insert("is_content_cut".to_owned(), true.into());
    }
    version
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn conflict(lost: &str, standing: Option<&str>) -> stored::Conflict {
        stored::Conflict {
            key: 7,
            kind: "person".to_owned(),
            subject: "ann".to_owned(),
            lost: lost.to_owned(),
            standing: standing.map(str::to_owned),
            noticed: 17,
            against: None,
            is_restorable: true,
        }
    }

    #[test]
    fn passwords_are_compared_and_not_shown() {
        let lost = r#"{"name":"ann","password_hash":"a"}"#;
        let same = list_conflict(conflict(lost, Some(lost))).unwrap();
        assert!(!same.has_other_password);
        assert_eq!(same.lost, json!({ "name": "ann" }));
        let other = r#"{"name":"ann","password_hash":"b"}"#;
        assert!(list_conflict(conflict(lost, Some(other))).unwrap().has_other_password);
        let gone = list_conflict(conflict(lost, None)).unwrap();
        assert!(!gone.has_other_password && gone.standing.is_null());
        assert_eq!(gone.bytes, lost.len());
    }

    #[test]
    fn a_long_content_is_cut_and_says_so() {
        let long = json!({ "content": "x".repeat(CONTENT_BYTES + 1) }).to_string();
        let shown = list_conflict(conflict(&long, None)).unwrap();
        assert_eq!(shown.lost["is_content_cut"], json!(true));
        assert_eq!(shown.lost["content"].as_str().map(str::len), Some(CONTENT_BYTES));
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        assert!(matches!(list_conflict(conflict("{", None)), Err(SyncError::Unreadable(_))));
    }
}
