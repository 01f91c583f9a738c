//! The journal of a store: an ordered log of what changed, who gets it, and what replication notes
//! beside it.
//!
//! Every store has the same `journal` interface, so that replication needs to know of none in
//! particular. A store puts [`SCHEMA`] before its own migrations, says in a view what its entries
//! are, implements [`Kinds`], and exports the interface with [`export_journal!`].

mod apply;
mod conflict;
mod export;
mod merge;
mod outline;
mod read;
mod room;

pub use hedgeschool_sql::Error as SqlError;
use hedgeschool_sql::{Database, Value};

pub use apply::{Batch, Insertion, Outcome};
pub use conflict::{Conflict, Lost};
pub use merge::{Merged, Versioned, check_version, merged};
pub use outline::{Outline, Receipt, look, tell};
pub use read::{Audience, Concerned, Entry, Page, Waiting};
pub use room::{Limits, Usage, check_room, limits, set_limits, usage};

/// What every store keeps for replication: its first migration.
pub const SCHEMA: &str = include_str!("schema.sql");
/// What a store does once in a database that was restored: other nodes may know more of the
/// journal than there is now, and what is recorded next is to have places of its own.
pub const RESTORED: &str =
    "UPDATE note SET text = lower(hex(randomblob(16))) WHERE name = 'epoch';";
/// Most entries of a page or a batch.
pub const ENTRIES_MAX: usize = 1_000;
const FOLLOWED_MAX: u32 = 1_000;
const NOTES_MAX: u32 = 10_000;

/// Why a call of the journal failed.
#[derive(Debug)]
pub enum Error {
    /// The request breaks a rule; says which.
    Invalid(String),
    /// An entry is none of the sender's business; says which.
    Forbidden(String),
    /// The note of a batch says something else: this.
    Moved(Option<String>),
    /// The database failed.
    Sql(SqlError),
}

impl From<SqlError> for Error {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

/// What a store knows of the kinds of its entries.
#[allow(async_fn_in_trait, reason = "a component has one thread")]
pub trait Kinds {
    /// The store's database.
    const DATABASE: &'static Database;

    /// Whether its limits keep entries out. Not where they are few and small, and a node is of no
    /// use without them.
    const IS_LIMITED: bool = true;

    /// Gives up some of what `holder` has too, down to the limits that are noted, and takes back
    /// what there is room for. What that is, is the store's to know: a store that has no such
    /// thing does nothing.
    async fn make_room(_holder: Option<String>) -> Result<(), Error> {
        Ok(())
    }

    /// Makes of a peer's entries the one statement that applies them and moves the note.
    async fn insertion(batch: &mut Batch) -> Result<Insertion, Error>;

    /// Reads entries about a subject, in an order of their own.
    async fn about(subject: String, after: u64, limit: u32, size: u32) -> Result<Page, Error>;

    /// What stands where a conflict is about this, as JSON.
    async fn standing(lost: &Lost) -> Result<Option<String>, Error>;

    /// Puts what lost in place of what stands. False: that is not possible with this kind.
    async fn restore(lost: &Lost) -> Result<bool, Error>;
}

/// Brings the database to this build's schema; answers why this build can never use it, if so.
pub async fn check_schema(database: &Database) -> Result<Option<String>, Error> {
    match database.query("SELECT 1", &[]).await {
        Ok(_) => Ok(None),
        Err(newer @ SqlError::NewerSchema { .. }) => Ok(Some(newer.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// Names this copy of the store.
pub async fn epoch(database: &Database) -> Result<String, Error> {
    let epoch = note(database, "epoch".to_owned()).await?;
    epoch.ok_or_else(|| Error::Sql(SqlError::Sqlite("the database has no epoch".into())))
}

/// Begins another epoch, if it is still this one; what was changed here after a sequence becomes
/// the new one's.
pub async fn renew(database: &Database, epoch: String, after: u64) -> Result<(), Error> {
    let sql = "INSERT INTO renewing (epoch, fresh, after)
        SELECT text, lower(hex(randomblob(16))), ?2 FROM note WHERE name = 'epoch' AND text = ?1";
    Ok(database.execute(sql, &[Value::Text(epoch), integer(after)]).await?)
}

/// What was noted under a name.
pub async fn note(database: &Database, name: String) -> Result<Option<String>, Error> {
    let sql = "SELECT text FROM note WHERE name = ?1";
    let row = database.query_one(sql, &[Value::Text(name)]).await?;
    Ok(row.map(|mut row| row.take()).transpose()?)
}

/// Notes whose names begin like this.
pub async fn notes(database: &Database, prefix: String) -> Result<Vec<(String, String)>, Error> {
    let sql = "SELECT name, text FROM note WHERE name >= ?1 AND name < ?1 || char(1114111)
        ORDER BY name LIMIT ?2";
    let rows = database.query(sql, &[Value::Text(prefix), Value::from(NOTES_MAX)]).await?;
    let pair = |mut row: hedgeschool_sql::Row| Ok((row.take()?, row.take()?));
    rows.into_iter().map(pair).collect()
}

/// Notes something; an empty text removes the note.
pub async fn set_note(database: &Database, name: String, text: String) -> Result<(), Error> {
    let sql = if text.is_empty() {
        "DELETE FROM note WHERE name = ?1 AND ?2 = ''"
    } else {
        "INSERT INTO note (name, text) VALUES (?1, ?2)
        ON CONFLICT (name) DO UPDATE SET text = excluded.text WHERE text <> excluded.text"
    };
    Ok(database.execute(sql, &[Value::Text(name), Value::Text(text)]).await?)
}

/// Keeps a store within limits.
pub async fn keep_within<K: Kinds>(
    limits: Option<Limits>,
    holder: Option<String>,
) -> Result<(), Error> {
    set_limits(K::DATABASE, limits).await?;
    K::make_room(holder).await
}

/// Makes entries about a subject concern a node below.
pub async fn follow(database: &Database, node: String, subject: String) -> Result<(), Error> {
    if is_followed(database, node.clone(), subject.clone()).await? {
        return Ok(());
    }
    let sql = "INSERT INTO follower (node, subject) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    Ok(database.execute(sql, &[Value::Text(node), Value::Text(subject)]).await?)
}

/// Whether entries about a subject concern a node.
pub async fn is_followed(
    database: &Database,
    node: String,
    subject: String,
) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM follower WHERE node = ?1 AND subject = ?2";
    let row = database.query_one(sql, &[Value::Text(node), Value::Text(subject)]).await?;
    Ok(row.is_some())
}

/// A page of the subjects that concern a node.
pub async fn followed(
    database: &Database,
    node: String,
    after: String,
) -> Result<Vec<String>, Error> {
    let sql =
        "SELECT subject FROM follower WHERE node = ?1 AND subject > ?2 ORDER BY subject LIMIT ?3";
    let parameters = [Value::Text(node), Value::Text(after), Value::from(FOLLOWED_MAX)];
    let rows = database.query(sql, &parameters).await?;
    Ok(rows.into_iter().map(|mut row| row.take()).collect::<Result<_, _>>()?)
}

/// A sequence as a parameter; SQLite's integers end where no sequence will ever be.
pub fn integer(number: u64) -> Value {
    Value::Integer(number.try_into().unwrap_or(i64::MAX))
}

pub use apply::apply;
pub use conflict::{conflicts, count as count_conflicts, settle};
pub use read::{concerned, entries, find, head, page, waiting};
