//! What is in a node's databases, for comparison with another one's. Read beside the running node.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use anyhow::Result;
use hedgeschool_tests::audit;
use rusqlite::Connection;
use rusqlite::types::Value as Sql;

use super::side::Side;

/// Rows by their keys.
pub type Rows = BTreeMap<String, String>;

/// What a version knows of, in one order.
const SEEN: &str = "(SELECT group_concat(pair) FROM
    (SELECT key || ':' || value AS pair FROM json_each(seen) ORDER BY key))";

pub struct State {
    /// Ids of statements, and whether they are voided.
    pub statements: Rows,
    /// Completions by agent and activity.
    pub completions: Rows,
    /// Documents by their places, the agent first.
    pub documents: Rows,
    /// What documents say.
    pub standing: HashSet<String>,
    /// What lost conflicts said.
    pub lost: HashSet<String>,
    /// People by name, with the node they belong to first.
    pub people: Rows,
    /// Versions of people that lost, likewise: what is here of somebody whose name is another
    /// one's at the top.
    pub namesakes: HashSet<(String, String)>,
    /// Courses.
    pub courses: Rows,
    /// Names and definitions.
    pub directory: Rows,
    /// Agents whose records this node gets.
    pub followed: BTreeSet<String>,
}

impl State {
    pub fn of(side: &Side) -> Result<Self> {
        let open = |store| audit::open(side.node.folder(), store);
        let (progress, identity, content) =
            (open("progress")?, open("identity")?, open("content")?);
        Ok(Self {
            statements: rows(&progress, "SELECT hex(id), voided FROM statement NOT INDEXED")?,
            completions: rows(
                &progress,
                "SELECT agent || '|' || activity, completed, passed, score,
                progress, duration_ms, statements, updated_ms FROM completion",
            )?,
            documents: rows(
                &progress,
                "SELECT agent || '|' || kind || '|' || activity || '|' || id,
                hex(content), media_type, etag, updated_us, writer, {SEEN} FROM document",
            )?,
            standing: texts(
                &progress,
                "SELECT CAST(content AS TEXT) FROM document WHERE content IS NOT NULL",
            )?,
            lost: lost(&progress)?,
            people: rows(
                &identity,
                "SELECT coalesce(home, '') || '|' || name, display_name, role,
                password_hash, removed, stamp_us, writer, {SEEN} FROM person",
            )?,
            namesakes: rows(
                &identity,
                "SELECT lost ->> 'home' || '|' || subject, lost ->> 'display_name', lost ->> 'role',
                lost ->> 'password_hash', lost ->> 'removed', lost ->> 'stamp',
                lost ->> 'writer', {SEEN}
                FROM (SELECT lost, subject, lost -> 'seen' AS seen FROM conflict
                  WHERE kind = 'person' AND against IS NOT NULL)",
            )?,
            courses: rows(
                &content,
                "SELECT iri, hash, stamp_us FROM course JOIN package ON package.id = package",
            )?,
            directory: rows(
                &progress,
                "SELECT activity || '|' || hash, day FROM definition
                UNION ALL SELECT agent || '|' || name, '' FROM persona",
            )?,
            followed: texts(&progress, "SELECT subject FROM follower WHERE node = ''")?
                .into_iter()
                .collect(),
        })
    }

    /// What keeps a node from agreeing with the one at the top, which follows nobody: it has all.
    /// What only the top may tell of, and has lost with its disk, stays below.
    pub fn difference(&self, top: &Self, serves: &[&str], lost: bool) -> Option<String> {
        let is_there = |rows: &Rows, key: &str| !lost || rows.contains_key(key);
        let of_followed =
            |key: &str| key.split('|').next().is_some_and(|a| self.followed.contains(a));
        // Agents that are accounts have the separator in their names.
        let of_followed = |key: &str| {
            of_followed(key)
                || self.followed.iter().any(|agent| key.starts_with(&format!("{agent}|")))
        };
        let is_common = |key: &str| key.starts_with('|');
        let of_here = |key: &str| {
            let home = key.split('|').next().unwrap_or_default();
            serves.contains(&home) || home.is_empty() && is_there(&top.people, key)
        };
        let missing: Vec<_> = missing(&self.statements, &top.statements).collect();
        if !missing.is_empty() {
            return Some(format!("{} statements are not at the top", missing.len()));
        }
        unequal("completions", &self.completions, &top.completions, of_followed)
            .or_else(|| {
                unequal("documents", &self.documents, &top.documents, |key| {
                    is_common(key) || of_followed(key)
                })
            })
            .or_else(|| {
                unequal("people", &self.people, &top.people, |key| {
                    of_here(key) && !self.is_known_namesake(top, key)
                })
            })
            .or_else(|| {
                unequal("courses", &self.courses, &top.courses, |key| is_there(&top.courses, key))
            })
            .or_else(|| missing_names(self, top))
    }
}

impl State {
    /// Whether somebody's name is another one's at the top, and both nodes list that.
    fn is_known_namesake(&self, top: &Self, key: &str) -> bool {
        let here = self.people.get(key).map(|row| (key.to_owned(), row.clone()));
        here.is_some_and(|here| top.namesakes.contains(&here) && self.namesakes.contains(&here))
    }
}

fn missing<'a>(here: &'a Rows, top: &'a Rows) -> impl Iterator<Item = &'a String> {
    here.keys().filter(|key| !top.contains_key(*key))
}

fn missing_names(here: &State, top: &State) -> Option<String> {
    let missing = missing(&here.directory, &top.directory).next();
    missing.map(|name| format!("{name} is not known at the top"))
}

/// The first row, of those that matter, in which two tables differ.
fn unequal(what: &str, here: &Rows, top: &Rows, matters: impl Fn(&str) -> bool) -> Option<String> {
    let keys: BTreeSet<_> = here.keys().chain(top.keys()).filter(|key| matters(key)).collect();
    let key = keys.into_iter().find(|key| here.get(*key) != top.get(*key))?;
    Some(format!("{what}: {key} is {:?} here, {:?} at the top", here.get(key), top.get(key)))
}

/// All rows, by the first column.
fn rows<R: FromIterator<(String, String)>>(database: &Connection, sql: &str) -> Result<R> {
    let mut query = database.prepare(&sql.replace("{SEEN}", SEEN))?;
    let columns = query.column_count();
    let mut found = query.query(())?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let key: String = row.get(0)?;
        let values: Result<Vec<Sql>, _> = (1..columns).map(|column| row.get(column)).collect();
        rows.push((key, format!("{:?}", values?)));
    }
    Ok(rows.into_iter().collect())
}

fn texts(database: &Connection, sql: &str) -> Result<HashSet<String>> {
    let mut query = database.prepare(sql)?;
    let texts = query.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(texts)
}

/// What documents said that lost, settled or not.
fn lost(database: &Connection) -> Result<HashSet<String>> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let sql = "SELECT lost ->> 'content' FROM conflict
        WHERE kind = 'document' AND lost ->> 'content' IS NOT NULL";
    let contents = texts(database, sql)?;
    contents.into_iter().map(|text| Ok(String::from_utf8(STANDARD.decode(text)?)?)).collect()
}
