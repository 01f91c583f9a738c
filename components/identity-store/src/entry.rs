//! Entries of the journal: a person, and a conflict about one, as they travel between nodes. Their
//! JSON is made by the view `entry` and here, and nowhere else.

use hedgeschool_credentials::Role;
use hedgeschool_journal::{Entry, Error, Versioned, check_version};
use hedgeschool_replication::{Version, VersionVector};
use serde::{Deserialize, Serialize};

use crate::bindings::types::{Person, Role as StoredRole};
use crate::rules::{check_label, check_name};

/// A person as an entry has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonEntry {
    pub name: String,
    pub display_name: String,
    pub role: Role,
    pub password_hash: String,
    pub home: Option<String>,
    /// The home was none once: other nodes have the person.
    #[serde(default)]
    pub was_common: bool,
    pub removed: bool,
    pub stamp: i64,
    pub writer: String,
    pub seen: VersionVector,
}

/// A conflict as an entry has it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConflictEntry {
    pub about: String,
    pub version: String,
    pub subject: String,
    /// In milliseconds since 1970.
    pub noticed: i64,
    /// 1: somebody has settled it.
    pub settled: i64,
    /// The node to which the person belongs who stands, where that is another one.
    #[serde(default)]
    pub against: Option<String>,
    pub lost: PersonEntry,
}

impl PersonEntry {
    /// Reads an entry.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is of another kind, or no person that a node could have.
    pub fn parse(entry: &Entry) -> Result<Self, Error> {
        if entry.kind != "person" {
            return Err(Error::Invalid(format!(
                "this node knows no entries of kind {:?}",
                entry.kind
            )));
        }
        let invalid = |error| Error::Invalid(format!("an entry is no person: {error}"));
        let person: Self = serde_json::from_str(&entry.payload).map_err(invalid)?;
        person.check_sound()?;
        Ok(person)
    }

    fn check_sound(&self) -> Result<(), Error> {
        check_version(&self.version())?;
        let checked = check_name("name", &self.name)
            .and_then(|()| check_label("display_name", &self.display_name));
        checked.map_err(|_| Error::Invalid(format!("{:?} is no person's name", self.name)))
    }

    /// Refuses what is none of a sender's business who may tell of these nodes' people: a node
    /// below tells of its own learners only.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for others, and for administrators.
    pub fn check_scope(&self, scope: &[String]) -> Result<(), Error> {
        if self.belongs_to(scope) && self.role == Role::Learner {
            return Ok(());
        }
        let rule = "a node tells of learners who belong to it or to nodes below it";
        Err(Error::Forbidden(format!("{}: {rule}", self.name)))
    }

    /// Whether the person belongs to one of these nodes.
    pub fn belongs_to(&self, scope: &[String]) -> bool {
        self.home.as_ref().is_some_and(|home| scope.contains(home))
    }

    /// The person as the rest of the store has one.
    pub fn into_person(self) -> Person {
        let Self { name, display_name, role, password_hash, home, .. } = self;
        let role = match role {
            Role::Learner => StoredRole::Learner,
            Role::Administrator => StoredRole::Administrator,
        };
        Person { name, display_name, role, password_hash, home }
    }
}

impl Versioned for PersonEntry {
    fn version(&self) -> Version {
        Version { stamp: self.stamp, writer: self.writer.clone(), seen: self.seen.clone() }
    }

    fn with_version(self, version: Version) -> Self {
        Self { stamp: version.stamp, writer: version.writer, seen: version.seen, ..self }
    }

    /// All but who made them, and what follows from their past.
    fn says_the_same(&self, other: &Self) -> bool {
        let of_nobody = |person: &Self| Self {
            was_common: false,
            stamp: 0,
            writer: String::new(),
            seen: VersionVector::default(),
            ..person.clone()
        };
        of_nobody(self) == of_nobody(other)
    }
}

impl ConflictEntry {
    /// A conflict about somebody who has lost, as it is noticed at a time.
    pub fn notice(lost: PersonEntry, against: Option<String>, now_us: i64) -> Self {
        Self {
            about: "person".into(),
            version: format!("{}{}", lost.stamp, lost.writer),
            subject: lost.name.clone(),
            noticed: now_us / 1_000,
            settled: 0,
            against,
            lost,
        }
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is no conflict that a node could have.
    pub fn parse(entry: &Entry) -> Result<Self, Error> {
        let invalid = |error| Error::Invalid(format!("an entry is no conflict: {error}"));
        let conflict: Self = serde_json::from_str(&entry.payload).map_err(invalid)?;
        conflict.lost.check_sound()?;
        if !conflict.against.iter().all(|node| check_label("against", node).is_ok()) {
            return Err(Error::Invalid("what a conflict is against is a node".into()));
        }
        Ok(conflict)
    }
}

#[cfg(test)]
pub mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Ada of a node, as a writer made her at a time, who knew these.
    pub fn ada(home: Option<&str>, writer: &str, stamp: i64, knew: &[(&str, i64)]) -> PersonEntry {
        let known = knew.iter().copied().chain([(writer, stamp)]);
        PersonEntry {
            name: "ada".into(),
            display_name: format!("Ada {stamp}"),
            role: Role::Learner,
            password_hash: "hash".into(),
            home: home.map(str::to_owned),
            was_common: false,
            removed: false,
            stamp,
            writer: writer.into(),
            seen: VersionVector(known.map(|(writer, stamp)| (writer.to_owned(), stamp)).collect()),
        }
    }

    fn entry(kind: &str, payload: &Value) -> Entry {
        Entry { sequence: 1, kind: kind.into(), payload: payload.to_string() }
    }

    fn with(name: &str, value: Value) -> Value {
        let mut person = serde_json::to_value(ada(Some("galway"), "aa", 1, &[])).unwrap();
        person[name] = value;
        person
    }

    #[test]
    fn a_person_is_read_as_written_and_was_at_one_node_if_nothing_else_is_said() {
        let person = ada(Some("galway"), "aa", 1, &[]);
        let mut written = serde_json::to_value(&person).unwrap();
        let read = |written: &Value| PersonEntry::parse(&entry("person", written));
        assert_eq!(read(&written).unwrap(), person);
        written.as_object_mut().unwrap().remove("was_common");
        assert_eq!(read(&written).unwrap(), person);
    }

    #[test]
    fn what_no_node_could_have_made_is_refused() {
        for (name, value) in [
            ("name", json!("Ada")),
            ("display_name", json!("a\u{1b}[2J")),
            ("role", json!("teacher")),
            ("writer", json!("no epoch")),
            ("stamp", json!(-1)),
            ("seen", json!({ "x\"": 1 })),
            ("of_a_later_release", json!(1)),
        ] {
            let refused = PersonEntry::parse(&entry("person", &with(name, value)));
            assert!(matches!(refused, Err(Error::Invalid(_))), "{name}");
        }
        let other = PersonEntry::parse(&entry("class", &with("name", json!("ada"))));
        assert!(matches!(other, Err(Error::Invalid(rule)) if rule.contains("\"class\"")));
    }

    #[test]
    fn a_conflict_is_read_as_written() {
        let conflict =
            ConflictEntry::notice(ada(Some("galway"), "aa", 7, &[]), Some("cork".into()), 9_000);
        assert_eq!((conflict.version.as_str(), conflict.noticed), ("7aa", 9));
        let written = serde_json::to_value(&conflict).unwrap();
        assert_eq!(ConflictEntry::parse(&entry("conflict", &written)).unwrap(), conflict);
        let mut strange = written;
        strange["against"] = json!("a\nb");
        assert!(ConflictEntry::parse(&entry("conflict", &strange)).is_err());
    }

    #[test]
    fn a_node_tells_of_its_own_learners_alone() {
        let scope = ["galway".to_owned(), "kinvara".to_owned()];
        let allows = |person: &PersonEntry| person.check_scope(&scope).is_ok();
        let own = ada(Some("kinvara"), "aa", 1, &[]);
        assert!(allows(&own));
        assert!(!allows(&ada(Some("cork"), "aa", 1, &[])));
        assert!(!allows(&ada(None, "aa", 1, &[])), "who belongs to all is no node's to tell of");
        assert!(!allows(&PersonEntry { role: Role::Administrator, ..own }));
    }

    #[test]
    fn two_say_the_same_whoever_made_them() {
        let one = ada(Some("galway"), "aa", 1, &[]);
        let other = PersonEntry {
            was_common: true,
            display_name: one.display_name.clone(),
            ..ada(Some("galway"), "bb", 2, &[("aa", 1)])
        };
        assert!(one.says_the_same(&other));
        assert!(!one.says_the_same(&PersonEntry { password_hash: "other".into(), ..other }));
    }
}
