//! `hedgeschool:identity/journal`: people, who are the entries of this store.

use std::collections::BTreeMap;

use hedgeschool_journal::{
    Batch, Entry, Error, Insertion, JournalPage, Kinds, Lost, Merged, Versioned, advance_json,
    check_version, integer, merged,
};
use hedgeschool_replication::{Version, VersionVector};
use hedgeschool_sql::{Database, Value};
use serde::{Deserialize, Serialize};

use crate::DATABASE;
use crate::people::now_us;
use crate::rules::{check_label, check_name};

/// The kinds of entries: `person`, `conflict`.
pub struct Identity;

/// A person as an entry has one: see the view `entry`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    name: String,
    display_name: String,
    role: Role,
    password_hash: String,
    home: Option<String>,
    /// The home was none once: other nodes have the person.
    #[serde(default)]
    was_common: bool,
    removed: bool,
    stamp: i64,
    writer: String,
    seen: VersionVector,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    Learner,
    Administrator,
}

/// A conflict as an entry has it: see the view `entry`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Conflict {
    about: String,
    version: String,
    subject: String,
    noticed: i64,
    settled: i64,
    /// The node to which the person belongs who stands, where that is another one.
    #[serde(default)]
    against: Option<String>,
    lost: Person,
}

impl Kinds for Identity {
    const DATABASE: &'static Database = &DATABASE;
    const IS_LIMITED: bool = false;

    async fn make_insertion(batch: &mut Batch) -> Result<Insertion, Error> {
        let mut rows = Rows::new(batch, now_us());
        let (conflicts, people): (Vec<_>, Vec<_>) =
            batch.entries.iter().partition(|entry| entry.kind == "conflict");
        let people = people.into_iter().map(Person::parse).collect::<Result<Vec<_>, _>>()?;
        let conflicts =
            conflicts.into_iter().map(Conflict::parse).collect::<Result<Vec<_>, _>>()?;
        for lost in Person::known_by_conflicts(&conflicts, &people).await? {
            rows.put(lost, batch).await?;
        }
        for arriving in people {
            rows.put(arriving, batch).await?;
        }
        for conflict in conflicts {
            rows.note(conflict, batch.scope.as_deref())?;
        }
        Ok(rows.0)
    }

    async fn read_about(
        subject: String,
        after: u64,
        limit: u32,
        size: u32,
    ) -> Result<JournalPage, Error> {
        let sql = "SELECT entry.sequence, kind, payload, content, 1
            FROM person JOIN entry ON entry.sequence = journaled
            WHERE person.name = ?1 AND journaled > ?2 AND ?3 > 0";
        let parameters = [Value::Text(subject), integer(after), Value::from(size)];
        hedgeschool_journal::read_page(&DATABASE, sql, &parameters, after, limit).await
    }

    async fn current_version(lost: &Lost) -> Result<Option<String>, Error> {
        let sql = "SELECT payload FROM person JOIN entry ON entry.sequence = journaled
            WHERE key = ?1 AND NOT removed";
        let row = DATABASE.query_one(sql, &[lost.reference_value()]).await?;
        Ok(row.map(|mut row| row.take()).transpose()?)
    }

    async fn restore_lost(lost: &Lost) -> Result<bool, Error> {
        let sql = "INSERT INTO put_person
            (name, display_name, role, password_hash, home, removed, now_us, condition)
            SELECT name, ?1 ->> 'display_name', ?1 ->> 'role', ?1 ->> 'password_hash', ?1 ->> 'home',
              ?1 ->> 'removed', ?2, iif(removed, 'absent', 'present')
            FROM person WHERE key = ?3";
        let parameters =
            [Value::Text(lost.payload.clone()), Value::Integer(now_us()), lost.reference_value()];
        DATABASE.execute(sql, &parameters).await?;
        Ok(true)
    }
}

/// The insertion into `apply_batch` as it grows.
struct Rows(Insertion);

impl Rows {
    fn new(batch: &Batch, now: i64) -> Self {
        let sql = "INSERT INTO apply_batch (peer, now_us, text, person, here, lost, conflict)
            VALUES (?1, ?2, ?3, NULL, NULL, NULL, NULL)";
        let parameters = vec![
            Value::Text(batch.peer.clone()),
            Value::Integer(now),
            advance_json(&batch.advance),
        ];
        Self(Insertion { sql: sql.to_owned(), parameters })
    }

    /// Adds a person, merged with who is here under the name.
    async fn put(&mut self, arriving: Person, batch: &Batch) -> Result<(), Error> {
        if let Some(scope) = batch.scope.as_deref() {
            arriving.check(scope)?;
        }
        let Some(found) = Person::find(&arriving.name).await? else {
            return self.push(&arriving, None, None, false);
        };
        match batch.scope.as_deref() {
            Some(scope) if !found.person.is_of(scope) => self.put_namesake(found, arriving),
            None if found.is_own(&arriving, &batch.peer) => self.keep_own(found, arriving),
            // Of who belongs to all, nodes above tell, and what they tell stands as it is. One
            // whose disk was restored means what it has now.
            None if arriving.home.is_none() && found.peer.as_ref() != Some(&batch.peer) => {
                self.replace(&found.person, found.is, &arriving)
            }
            _ => self.merge(found, &arriving),
        }
    }

    fn merge(&mut self, found: Found, arriving: &Person) -> Result<(), Error> {
        match merged(&found.person, arriving) {
            None => Ok(()),
            Some(Merged { stands, lost, is_made }) => {
                self.push(&stands, Some(found.is), lost.as_ref(), is_made)
            }
        }
    }

    /// A node below tells of one of its own, and the name is not one of theirs.
    fn put_namesake(&mut self, found: Found, arriving: Person) -> Result<(), Error> {
        let here = &found.person;
        if here.seen.includes(&arriving.seen) || here.removed && arriving.removed {
            return Ok(());
        }
        // Somebody who was removed needs no name any more.
        if here.removed {
            let seen = here.seen.clone().join(&arriving.seen);
            let is_made = seen != arriving.seen;
            let stands = Person { seen, ..arriving };
            return self.push(&stands, Some(found.is), None, is_made);
        }
        // The name is not the sender's to take. Who has it is told of again, but not as if they
        // knew of the other one: they would displace that one at the sender's.
        self.push(here, Some(found.is), Some(&arriving), true)
    }

    /// Nodes above tell of somebody whose name one of this node's own has, and do not know of that
    /// one.
    fn keep_own(&mut self, found: Found, arriving: Person) -> Result<(), Error> {
        let here = found.person;
        match arriving.home.clone() {
            _ if arriving.removed => Ok(()),
            None => self.replace(&here, found.is, &arriving),
            Some(_) if here.removed => self.push(&arriving, Some(found.is), None, false),
            Some(home) => self.note(Conflict::of(here, Some(home)), None),
        }
    }

    /// Adds a person in place of one whom the node above has lost.
    fn replace(&mut self, here: &Person, is: String, arriving: &Person) -> Result<(), Error> {
        if arriving.version() == here.version() {
            return Ok(());
        }
        self.push(arriving, Some(is), None, false)?;
        if arriving.seen.includes(&here.seen) || arriving.says_the_same(here) {
            return Ok(());
        }
        self.note(Conflict::of(here.clone(), None), None)
    }

    /// Adds a conflict about somebody who is here, or comes in the same batch.
    fn note(&mut self, conflict: Conflict, scope: Option<&[String]>) -> Result<(), Error> {
        if let Some(scope) = scope {
            conflict.lost.check(scope)?;
        }
        let place = self.0.parameters.len() + 1;
        let row = format!(", (?1, ?2, NULL, NULL, NULL, NULL, ?{place})");
        self.0.sql.push_str(&row);
        self.0.parameters.push(Value::Text(text(&conflict)?));
        Ok(())
    }

    fn push(
        &mut self,
        person: &Person,
        here: Option<String>,
        lost: Option<&Person>,
        is_made: bool,
    ) -> Result<(), Error> {
        let json = |person: &Person| text(person).map(Value::Text);
        let lost = lost.map_or(Ok(Value::Null), json)?;
        let first = self.0.parameters.len() + 1;
        // What is made of two versions is new to both who made them: it came from nobody.
        let peer = if is_made { "NULL" } else { "?1" };
        let (second, third) = (first + 1, first + 2);
        let row = format!(", ({peer}, ?2, NULL, ?{first}, ?{second}, ?{third}, NULL)");
        self.0.sql.push_str(&row);
        let here = here.map_or(Value::Null, Value::Text);
        self.0.parameters.extend([json(person)?, here, lost]);
        Ok(())
    }
}

impl Conflict {
    /// One that is noticed now.
    fn of(lost: Person, against: Option<String>) -> Self {
        Self {
            about: "person".into(),
            version: format!("{}{}", lost.stamp, lost.writer),
            subject: lost.name.clone(),
            noticed: now_us() / 1_000,
            settled: 0,
            against,
            lost,
        }
    }

    fn parse(entry: &Entry) -> Result<Self, Error> {
        let invalid = |error| Error::Invalid(format!("an entry is no conflict: {error}"));
        let conflict: Self = serde_json::from_str(&entry.payload).map_err(invalid)?;
        conflict.lost.check_sound()?;
        if !conflict.against.iter().all(|node| check_label("against", node).is_ok()) {
            return Err(Error::Invalid("what a conflict is against is a node".into()));
        }
        Ok(conflict)
    }
}

impl Person {
    fn parse(entry: &Entry) -> Result<Self, Error> {
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

    /// What conflicts tell of people beside what arrives: somebody who lost may be all that is
    /// known of the name, or a later version than the one here, which is theirs too. The last one
    /// each, as it has seen the others.
    async fn known_by_conflicts(
        conflicts: &[Conflict],
        arriving: &[Self],
    ) -> Result<Vec<Self>, Error> {
        let mut last = BTreeMap::<_, &Self>::new();
        for Conflict { lost, .. } in conflicts {
            let known = last.entry(lost.name.as_str()).or_insert(lost);
            if lost.stamp > known.stamp {
                *known = lost;
            }
        }
        for person in arriving {
            last.remove(person.name.as_str());
        }
        let mut people = Vec::new();
        for lost in last.into_values() {
            let is_news = Self::find(&lost.name).await?.is_none_or(|found| {
                let here = found.person;
                here.home == lost.home
                    && lost.seen.includes(&here.seen)
                    && here.version() != lost.version()
            });
            people.extend(is_news.then(|| lost.clone()));
        }
        Ok(people)
    }

    /// A node below tells of its own learners only.
    fn check(&self, scope: &[String]) -> Result<(), Error> {
        if self.is_of(scope) && self.role == Role::Learner {
            return Ok(());
        }
        let rule = "a node tells of learners who belong to it or to nodes below it";
        Err(Error::Forbidden(format!("{}: {rule}", self.name)))
    }

    fn is_of(&self, scope: &[String]) -> bool {
        self.home.as_ref().is_some_and(|home| scope.contains(home))
    }

    /// The person of this name.
    async fn find(name: &str) -> Result<Option<Found>, Error> {
        let sql = "SELECT entry.sequence, kind, payload, stamp_us || seen, person.peer FROM person
            JOIN entry ON entry.sequence = journaled WHERE person.name = ?1";
        let row = DATABASE.query_one(sql, &[Value::from(name)]).await?;
        let Some(mut row) = row else { return Ok(None) };
        let entry = Entry { sequence: row.take()?, kind: row.take()?, payload: row.take()? };
        Ok(Some(Found { person: Self::parse(&entry)?, is: row.take()?, peer: row.take()? }))
    }
}

/// A person who is here.
struct Found {
    person: Person,
    /// What tells this version from others.
    is: String,
    /// Where it came from. None: it was made here.
    peer: Option<String>,
}

impl Found {
    /// Whether this is a person of this node, or one below it, and not the one of whom the node
    /// above tells.
    fn is_own(&self, arriving: &Person, above: &str) -> bool {
        let node = |peer: &str| peer.rsplit_once(':').map(|(node, _)| node.to_owned());
        let is_from_above = self.peer.as_ref().is_some_and(|peer| node(peer) == node(above));
        self.person.home.is_some()
            && !is_from_above
            && self.person.home != arriving.home
            && !arriving.seen.includes(&self.person.seen)
    }
}

impl Versioned for Person {
    fn version(&self) -> Version {
        Version { stamp: self.stamp, writer: self.writer.clone(), seen: self.seen.clone() }
    }

    fn with_version(self, version: Version) -> Self {
        Self { stamp: version.stamp, writer: version.writer, seen: version.seen, ..self }
    }

    fn says_the_same(&self, other: &Self) -> bool {
        let said = |person: &Self| {
            let Self { display_name, role, password_hash, home, removed, .. } = person.clone();
            (display_name, role, password_hash, home, removed)
        };
        said(self) == said(other)
    }
}

fn text(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Invalid(error.to_string()))
}
