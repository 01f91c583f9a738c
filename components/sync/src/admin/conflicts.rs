//! What lost against something else, for people to look at.

use std::collections::{BTreeMap, HashMap};

use hedgeschool_web::{Problem, Query, Reply, Request, StatusCode};
use serde::{Deserialize, Serialize};

use crate::checkpoint::{UpstreamCursor, UpstreamState};
use crate::client::upstream::Upstream;
use crate::error::Result;
use crate::peer::node_id;
use crate::store::{Journal, ListedConflict};

/// Most conflicts of a page.
const PAGE_MAX: usize = 100;
/// Bytes of versions that a page aims for.
const PAGE_BYTES: usize = 4 << 20;

#[derive(Serialize)]
struct ConflictPage {
    conflicts: Vec<AttributedConflict>,
    /// Where the next page begins. Null: there is none.
    next: Option<String>,
}

#[derive(Serialize)]
struct AttributedConflict {
    /// Its address below `/sync/v1/conflicts`.
    id: String,
    /// The node that made what lost; null: not known here.
    lost_by: Option<String>,
    /// The node that made what stands; null: not known here.
    standing_by: Option<String>,
    #[serde(flatten)]
    conflict: ListedConflict,
}

/// Which page.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageRequest {
    /// The conflict before it; none: the first page.
    after: Option<String>,
    /// How many conflicts at most; none: [`PAGE_MAX`].
    limit: Option<usize>,
}

/// What to do with a conflict.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settlement {
    id: String,
    restore: bool,
}

/// `GET /sync/v1/conflicts?after=ID&limit=N`: those of one journal after those of another, each
/// oldest first.
pub async fn list_conflicts(request: &Request) -> Result<Reply> {
    let query = Query::of(request);
    let rule = || Problem::bad_request(format!("limit is a number from 1 to {PAGE_MAX}"));
    let limit = query.get("limit").map(|text| text.parse().map_err(|_| rule())).transpose()?;
    show_page(PageRequest { after: query.get("after").map(str::to_owned), limit }).await
}

/// A page of conflicts.
pub async fn show_page(wanted: PageRequest) -> Result<Reply> {
    let limit = wanted.limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let after = wanted.after.as_deref().map(parse_id).transpose()?;
    let (found, more) = read_page(after, limit).await?;
    let last = found.last().map(|(journal, conflict)| write_id(*journal, conflict.key));
    let mut writers = HashMap::new();
    let mut conflicts = Vec::with_capacity(found.len());
    for (journal, conflict) in found {
        if !writers.contains_key(journal.name()) {
            writers.insert(journal.name(), find_writers(journal).await?);
        }
        let known = writers.get(journal.name());
        let by =
            |version: &serde_json::Value| known?.get(version.get("writer")?.as_str()?).cloned();
        conflicts.push(AttributedConflict {
            id: write_id(journal, conflict.key),
            lost_by: by(&conflict.lost),
            standing_by: by(&conflict.standing),
            conflict,
        });
    }
    Ok(Reply::json(&ConflictPage { conflicts, next: last.filter(|_| more) })?)
}

/// The conflicts after one, and whether there are others after them.
async fn read_page(
    after: Option<(Journal, u64)>,
    limit: usize,
) -> Result<(Vec<(Journal, ListedConflict)>, bool)> {
    let (mut listed, mut size) = (Vec::new(), 0);
    let is_before = |journal: &Journal| after.is_some_and(|(of, _)| of != *journal);
    for journal in Journal::ALL.into_iter().skip_while(is_before) {
        let mut key = after.filter(|(of, _)| *of == journal).map_or(0, |(_, key)| key);
        loop {
            let found = journal.list_conflicts(key).await?;
            let Some(last) = found.last() else { break };
            key = last.key;
            for conflict in found {
                if listed.len() == limit || size > PAGE_BYTES {
                    return Ok((listed, true));
                }
                size += conflict.bytes;
                listed.push((journal, conflict));
            }
        }
    }
    Ok((listed, false))
}

/// The nodes that are known to write under the epochs of a journal's copies.
async fn find_writers(journal: Journal) -> Result<BTreeMap<String, String>> {
    let mut writers = BTreeMap::new();
    for (node, epoch) in journal.list_peer_epochs().await? {
        writers.insert(epoch, node);
    }
    if let Some(upstream) = Upstream::load_configured().await? {
        let node = UpstreamState::load(&upstream.url).await?.node;
        let cursor = UpstreamCursor::read(journal, &upstream.url).await?;
        writers.extend(cursor.upstream_epoch().map(|theirs| (theirs.to_owned(), node)));
    }
    writers.insert(journal.read_epoch().await?, node_id().await?);
    Ok(writers)
}

/// `POST /sync/v1/conflicts/{id}?restore=true`: settles one; what lost is put in its place again,
/// if asked to.
pub async fn settle_by_query(request: &Request, id: &str) -> Result<Reply> {
    let restore = match Query::of(request).get("restore").unwrap_or("false") {
        "true" => true,
        "false" => false,
        other => {
            let rule = format!("restore is true or false, not {other:?}");
            return Err(Problem::bad_request(rule).into());
        }
    };
    settle_conflict(Settlement { id: id.to_owned(), restore }).await
}

/// Settles a conflict.
pub async fn settle_conflict(Settlement { id, restore }: Settlement) -> Result<Reply> {
    let (journal, key) = parse_id(&id)?;
    if journal.settle_conflict(key, restore).await? {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    Err(Problem::not_found(format!("there is no conflict {id}, or it is settled")).into())
}

fn write_id(journal: Journal, key: u64) -> String {
    format!("{}-{key}", journal.name())
}

fn parse_id(id: &str) -> Result<(Journal, u64)> {
    let parsed = id
        .split_once('-')
        .and_then(|(journal, key)| Some((Journal::find_by_name(journal)?, key.parse().ok()?)));
    let unknown = || Problem::bad_request(format!("{id:?} names no conflict: use the `id` of one"));
    Ok(parsed.ok_or_else(unknown)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_a_journal_and_a_key() {
        for journal in Journal::ALL {
            let id = write_id(journal, 17);
            assert_eq!(parse_id(&id).ok(), Some((journal, 17)), "{id}");
        }
        for id in ["", "progress", "progress-", "progress-x", "other-1", "progress--1"] {
            assert_eq!(parse_id(id).err().map(|it| Problem::from(it).status.as_u16()), Some(400));
        }
    }
}
