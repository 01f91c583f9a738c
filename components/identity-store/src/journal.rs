//! `hedgeschool:identity/journal`: people, who are the entries of this store.
//!
//! What becomes of an entry is decided in `namesakes`; here it is read, and made into one
//! statement.

use hedgeschool_journal::{
    Batch, Entry, Error, Insertion, JournalPage, Kinds, Lost, advance_json, integer,
};
use hedgeschool_sql::{Database, Value};
use serde::Serialize;

use crate::clock::now_us;
use crate::columns::placeholders;
use crate::database::DATABASE;
use crate::entry::{ConflictEntry, PersonEntry};
use crate::namesakes::{Change, Decision, Sender, Standing, decide, is_news, last_losers};
use crate::person::{COLUMNS, into_values};

/// The kinds of entries: `person`, `conflict`.
pub struct Identity;

impl Kinds for Identity {
    const DATABASE: &'static Database = &DATABASE;
    const IS_LIMITED: bool = false;

    async fn make_insertion(batch: &mut Batch) -> Result<Insertion, Error> {
        let mut rows = Rows::new(batch, now_us());
        let (conflicts, people): (Vec<_>, Vec<_>) =
            batch.entries.iter().partition(|entry| entry.kind == "conflict");
        let people = people.into_iter().map(PersonEntry::parse).collect::<Result<Vec<_>, _>>()?;
        let conflicts =
            conflicts.into_iter().map(ConflictEntry::parse).collect::<Result<Vec<_>, _>>()?;
        for lost in last_losers(&conflicts, &people) {
            let here = find_standing(&lost.name).await?;
            if is_news(lost, here.as_ref().map(|(here, _)| &here.person)) {
                rows.put_person(lost.clone(), batch).await?;
            }
        }
        for arriving in people {
            rows.put_person(arriving, batch).await?;
        }
        for conflict in conflicts {
            if let Some(scope) = batch.scope.as_deref() {
                conflict.lost.check_scope(scope)?;
            }
            rows.push_conflict(&conflict)?;
        }
        Ok(rows.insertion)
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
        let (sql, parameters) = restore_statement(lost, now_us())?;
        DATABASE.execute(&sql, &parameters).await?;
        Ok(true)
    }
}

/// The statement that puts somebody who lost in place of who stands, as a change made now.
fn restore_statement(lost: &Lost, now_us: i64) -> Result<(String, Vec<Value>), Error> {
    let invalid = |error| Error::Invalid(format!("what lost is no person: {error}"));
    let person: PersonEntry = serde_json::from_str(&lost.payload).map_err(invalid)?;
    let sql = format!(
        "INSERT INTO put_person ({COLUMNS}, removed, now_us, condition)
        SELECT {}, iif(removed, 'absent', 'present') FROM person WHERE key = ?",
        placeholders(COLUMNS, 2)
    );
    let more =
        [Value::Integer(person.removed.into()), Value::Integer(now_us), lost.reference_value()];
    Ok((sql, into_values(person.into_person()).into_iter().chain(more).collect()))
}

/// Who has a name, removed or not, and what tells this version from others.
async fn find_standing(name: &str) -> Result<Option<(Standing, String)>, Error> {
    let sql = "SELECT entry.sequence, kind, payload, stamp_us || seen, person.peer FROM person
        JOIN entry ON entry.sequence = journaled WHERE person.name = ?1";
    let row = DATABASE.query_one(sql, &[Value::from(name)]).await?;
    let Some(mut row) = row else { return Ok(None) };
    let entry = Entry { sequence: row.take()?, kind: row.take()?, payload: row.take()? };
    let (person, version) = (PersonEntry::parse(&entry)?, row.take()?);
    Ok(Some((Standing { person, peer: row.take()? }, version)))
}

/// The insertion into `apply_batch` as it grows.
struct Rows {
    insertion: Insertion,
    now_us: i64,
}

impl Rows {
    fn new(batch: &Batch, now_us: i64) -> Self {
        let sql = "INSERT INTO apply_batch (peer, now_us, text, person, here, lost, conflict)
            VALUES (?1, ?2, ?3, NULL, NULL, NULL, NULL)";
        let parameters = vec![
            Value::Text(batch.peer.clone()),
            Value::Integer(now_us),
            advance_json(&batch.advance),
        ];
        Self { insertion: Insertion { sql: sql.to_owned(), parameters }, now_us }
    }

    /// Adds what becomes of somebody who arrives.
    async fn put_person(&mut self, arriving: PersonEntry, batch: &Batch) -> Result<(), Error> {
        let sender = match batch.scope.as_deref() {
            Some(scope) => Sender::Below(scope),
            None => Sender::Above(&batch.peer),
        };
        if let Sender::Below(scope) = sender {
            arriving.check_scope(scope)?;
        }
        let (here, version) = find_standing(&arriving.name).await?.unzip();
        let Decision { change, loser } = decide(here.as_ref(), arriving, sender);
        if let Some(change) = change {
            self.push_change(&change, version)?;
        }
        match loser {
            Some(loser) => {
                let conflict = ConflictEntry::notice(loser.person, loser.against, self.now_us);
                self.push_conflict(&conflict)
            }
            None => Ok(()),
        }
    }

    /// Adds a conflict about somebody who is here, or comes in the same batch.
    fn push_conflict(&mut self, conflict: &ConflictEntry) -> Result<(), Error> {
        let Insertion { sql, parameters } = &mut self.insertion;
        let place = parameters.len() + 1;
        sql.push_str(&format!(", (?1, ?2, NULL, NULL, NULL, NULL, ?{place})"));
        parameters.push(to_json(conflict)?);
        Ok(())
    }

    /// Adds a version that stands, in place of the one that is here.
    fn push_change(&mut self, change: &Change, here: Option<String>) -> Result<(), Error> {
        let Insertion { sql, parameters } = &mut self.insertion;
        let first = parameters.len() + 1;
        // What is made of two versions is new to both who made them: it came from nobody.
        let peer = if change.is_made { "NULL" } else { "?1" };
        let (second, third) = (first + 1, first + 2);
        let row = format!(", ({peer}, ?2, NULL, ?{first}, ?{second}, ?{third}, NULL)");
        sql.push_str(&row);
        let here = here.map_or(Value::Null, Value::Text);
        let lost = change.lost.as_ref().map_or(Ok(Value::Null), to_json)?;
        parameters.extend([to_json(&change.stands)?, here, lost]);
        Ok(())
    }
}

fn to_json(value: &impl Serialize) -> Result<Value, Error> {
    let json = serde_json::to_string(value);
    json.map(Value::Text).map_err(|error| Error::Invalid(error.to_string()))
}
