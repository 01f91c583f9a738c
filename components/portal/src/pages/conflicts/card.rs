//! A conflict, as `sync` tells of it and as the page shows it.

use serde::Deserialize;
use serde_json::Value;

use super::comparison::{ConflictRow, compare_versions};
use crate::utc_time::UtcTime;

/// What `sync` tells of a conflict.
#[derive(Deserialize)]
pub struct Conflict {
    id: String,
    kind: String,
    subject: String,
    lost: Value,
    #[serde(rename = "standing")]
    current: Value,
    lost_by: Option<String>,
    #[serde(rename = "standing_by")]
    current_by: Option<String>,
    noticed_ms: i64,
    against: Option<String>,
    is_restorable: bool,
    has_other_password: bool,
}

/// Two versions of something, side by side.
pub struct ConflictCard {
    /// What names it.
    pub id: String,
    /// What kind of thing it is.
    pub kind: &'static str,
    /// Which one.
    pub subject: String,
    /// When it was noticed.
    pub noticed: UtcTime,
    /// Where both differ.
    pub different: Vec<ConflictRow>,
    /// Where they do not.
    pub same: Vec<ConflictRow>,
    /// What to do, if it is two people who were given one name.
    pub namesake: Option<String>,
    /// Why what lost cannot be put back. None: it can.
    pub obstacle: Option<&'static str>,
    /// Nothing stands: it was deleted.
    pub is_gone: bool,
}

impl ConflictCard {
    /// How a conflict is shown where the accounts of people have this home page.
    pub fn of(conflict: &Conflict, home_page: Option<&str>) -> Self {
        let by = [conflict.current_by.as_deref(), conflict.lost_by.as_deref()];
        let rows = compare_versions(&conflict.current, &conflict.lost, by, home_page);
        let password = conflict.has_other_password.then(ConflictRow::of_passwords);
        let (different, same) =
            password.into_iter().chain(rows).partition(ConflictRow::is_different);
        Self {
            id: conflict.id.clone(),
            kind: kind_label(&conflict.kind),
            subject: conflict.subject.clone(),
            noticed: UtcTime::from_unix_ms(conflict.noticed_ms),
            different,
            same,
            namesake: namesake_advice(conflict),
            obstacle: (!conflict.is_restorable).then(|| obstacle_to_restore(&conflict.kind)),
            is_gone: is_deletion(&conflict.current),
        }
    }
}

/// Whether a version is that something was deleted.
fn is_deletion(version: &Value) -> bool {
    version.is_null() || version.get("removed") == Some(&Value::Bool(true))
}

fn kind_label(kind: &str) -> &'static str {
    match kind {
        "document" => "Document",
        "person" => "Person",
        "course" => "Course",
        "statement" => "Statement",
        _ => "Entry",
    }
}

fn obstacle_to_restore(kind: &str) -> &'static str {
    match kind {
        "statement" => "A statement never changes: what was recorded first stays.",
        _ => "These are two people: neither is put in the other's place.",
    }
}

/// What to do if it is two people who were given one name.
fn namesake_advice(conflict: &Conflict) -> Option<String> {
    let (against, home) = (conflict.against.as_ref()?, conflict.lost.get("home")?.as_str()?);
    let common = "What either does is recorded under that one name, so one of them needs another";
    Some(if conflict.current.get("home")?.as_str() == Some(home) {
        format!(
            "Somebody at node {against} has this sign-in name too, and the nodes above heard of \
             them first. Whoever has it here can go on, but is known to this node alone. \
             {common}: add this person again under a new sign-in name, and remove this one."
        )
    } else {
        format!(
            "Two people, at nodes {against} and {home}, were given this sign-in name; the first \
             that was heard of stands. {common}. Node {home} has been told."
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn card(kind: &str, current: Value, lost: Value, more: Value) -> ConflictCard {
        let mut told = json!({ "id": "identity-1", "kind": kind, "subject": "ada", "lost": lost,
            "standing": current, "lost_by": "edge", "standing_by": "hub",
            "noticed_ms": 1_795_385_045_678_i64, "against": null, "is_restorable": true,
            "has_other_password": false });
        for (name, value) in more.as_object().unwrap() {
            told[name] = value.clone();
        }
        ConflictCard::of(&serde_json::from_value(told).unwrap(), None)
    }

    #[test]
    fn what_differs_comes_first_and_a_password_is_never_shown() {
        let version = |name: &str| json!({ "name": "ada", "display_name": name });
        let other = json!({ "has_other_password": true });
        let card = card("person", version("Ada"), version("Ada of Mayo"), other);
        let labels =
            |rows: &[ConflictRow]| rows.iter().map(|row| row.label.clone()).collect::<Vec<_>>();
        assert_eq!(labels(&card.different), ["Password", "Name"]);
        assert_eq!(labels(&card.same), ["Sign-in name"]);
        assert_eq!((card.kind, card.noticed.text.as_str()), ("Person", "22 Nov 2026, 22:04"));
        assert!(card.namesake.is_none() && card.obstacle.is_none() && !card.is_gone);
    }

    #[test]
    fn two_people_of_one_name_need_another_each_told_where_it_is() {
        let against = json!({ "against": "galway", "is_restorable": false });
        let (here, there) = (json!({ "home": "edge" }), json!({ "home": "galway" }));
        let below = card("person", here.clone(), here.clone(), against.clone());
        assert!(below.namesake.is_some_and(|advice| advice.contains("known to this node alone")));
        let above = card("person", there, here, against);
        assert!(above.namesake.is_some_and(|advice| advice.contains("Node edge has been told")));
        assert!(above.obstacle.is_some_and(|obstacle| obstacle.contains("two people")));
    }

    #[test]
    fn what_was_deleted_is_said_so() {
        assert!(card("document", Value::Null, json!({}), json!({})).is_gone);
        assert!(card("person", json!({ "removed": true }), json!({}), json!({})).is_gone);
        let statement = json!({ "is_restorable": false });
        let card = card("statement", json!({}), json!({}), statement);
        assert!(card.obstacle.is_some_and(|obstacle| obstacle.contains("never changes")));
    }
}
