//! What lost against something else, for people to look at.

use std::collections::{BTreeMap, HashMap};

use hedgeschool_web::{Problem, Query, Reply, Request, StatusCode};
use serde::{Deserialize, Serialize};

use crate::above::Standing;
use crate::link::Link;
use crate::node;
use crate::stores::{Conflict, Journal};
use crate::upstream::Upstream;

/// Most conflicts of a page.
const PAGE_MAX: usize = 100;
/// Bytes of versions that a page aims for.
const PAGE_BYTES: usize = 4 << 20;

#[derive(Serialize)]
struct Page {
    conflicts: Vec<Listed>,
    /// Where the next page begins. Null: there is none.
    next: Option<String>,
}

#[derive(Serialize)]
struct Listed {
    /// Its address below `/sync/v1/conflicts`.
    id: String,
    /// The node that made what lost; null: not known here.
    lost_by: Option<String>,
    /// The node that made what stands; null: not known here.
    standing_by: Option<String>,
    #[serde(flatten)]
    conflict: Conflict,
}

/// Which page.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The conflict before it; none: the first page.
    after: Option<String>,
    /// How many conflicts at most; none: [`PAGE_MAX`].
    limit: Option<usize>,
}

/// What to do with a conflict.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    id: String,
    restore: bool,
}

/// `GET /sync/v1/conflicts?after=ID&limit=N`: those of one journal after those of another, each
/// oldest first.
pub async fn list(request: &Request) -> Result<Reply, Problem> {
    let query = Query::of(request);
    let rule = || Problem::bad_request(format!("limit is a number from 1 to {PAGE_MAX}"));
    let limit = query.get("limit").map(|text| text.parse().map_err(|_| rule())).transpose()?;
    show(Wanted { after: query.get("after").map(str::to_owned), limit }).await
}

/// A page of conflicts.
pub async fn show(wanted: Wanted) -> Result<Reply, Problem> {
    let limit = wanted.limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let after = wanted.after.as_deref().map(parse).transpose()?;
    let (found, more) = page(after, limit).await?;
    let last = found.last().map(|(journal, conflict)| id(*journal, conflict.key));
    let mut writers = HashMap::new();
    let mut conflicts = Vec::with_capacity(found.len());
    for (journal, conflict) in found {
        if !writers.contains_key(journal.name()) {
            writers.insert(journal.name(), self::writers(journal).await?);
        }
        let known = writers.get(journal.name());
        let by =
            |version: &serde_json::Value| known?.get(version.get("writer")?.as_str()?).cloned();
        conflicts.push(Listed {
            id: id(journal, conflict.key),
            lost_by: by(&conflict.lost),
            standing_by: by(&conflict.standing),
            conflict,
        });
    }
    Reply::json(&Page { conflicts, next: last.filter(|_| more) })
}

/// The conflicts after one, and whether there are others after them.
async fn page(
    after: Option<(Journal, u64)>,
    limit: usize,
) -> Result<(Vec<(Journal, Conflict)>, bool), Problem> {
    let (mut listed, mut size) = (Vec::new(), 0);
    let is_before = |journal: &Journal| after.is_some_and(|(of, _)| of != *journal);
    for journal in Journal::ALL.into_iter().skip_while(is_before) {
        let mut key = after.filter(|(of, _)| *of == journal).map_or(0, |(_, key)| key);
        loop {
            let found = journal.conflicts(key).await?;
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
async fn writers(journal: Journal) -> Result<BTreeMap<String, String>, Problem> {
    let mut writers = BTreeMap::new();
    for (node, epoch) in journal.peer_epochs().await? {
        writers.insert(epoch, node);
    }
    if let Some(upstream) = Upstream::configured().await? {
        let node = Link::load(&upstream.url).await?.node;
        let standing = Standing::read(journal, &upstream, None).await?;
        writers.extend(standing.epoch_above().map(|theirs| (theirs.to_owned(), node)));
    }
    writers.insert(journal.epoch().await?, node::id().await?);
    Ok(writers)
}

/// `POST /sync/v1/conflicts/{id}?restore=true`: settles one; what lost is put in its place again,
/// if asked to.
pub async fn settle(request: &Request, id: &str) -> Result<Reply, Problem> {
    let restore = match Query::of(request).get("restore").unwrap_or("false") {
        "true" => true,
        "false" => false,
        other => {
            return Err(Problem::bad_request(format!("restore is true or false, not {other:?}")));
        }
    };
    settle_one(Settle { id: id.to_owned(), restore }).await
}

/// Settles a conflict.
pub async fn settle_one(Settle { id, restore }: Settle) -> Result<Reply, Problem> {
    let (journal, key) = parse(&id)?;
    if journal.settle(key, restore).await? {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    Err(Problem::not_found(format!("there is no conflict {id}, or it is settled")))
}

fn id(journal: Journal, key: u64) -> String {
    format!("{}-{key}", journal.name())
}

fn parse(id: &str) -> Result<(Journal, u64), Problem> {
    let parsed = id
        .split_once('-')
        .and_then(|(journal, key)| Some((Journal::named(journal)?, key.parse().ok()?)));
    parsed.ok_or_else(|| {
        Problem::bad_request(format!("{id:?} names no conflict: use the `id` of one"))
    })
}
