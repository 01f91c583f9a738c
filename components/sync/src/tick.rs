//! One round of replication.

use std::time::{Duration, Instant};

use hedgeschool_replication::{BATCH_BYTES, BATCH_ENTRIES_MAX, Batch, Entry, Next, Push};
use hedgeschool_web::{Problem, Reply, settings};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::store::journal;
use crate::upstream::Upstream;

/// How long a round goes on sending before it answers that there is more; well below the request deadlines
/// of hosts.
const ROUND: Duration = Duration::from_secs(5);

/// What a round did.
#[derive(Default, Serialize)]
struct Round {
    /// Entries that the upstream applied.
    pushed: u64,
    /// Entries are left: tick again at once.
    more: bool,
    /// The upstream asked for a pause.
    retry_after_seconds: Option<u64>,
    /// Why the round ended early.
    problem: Option<String>,
}

/// Runs a round and answers what it did. An upstream out of reach is no failure of this node.
pub async fn run() -> Result<Reply, Problem> {
    let upstream = Upstream::configured().await?;
    let round = match upstream {
        Some(upstream) => push(&upstream).await?,
        None => Round::default(),
    };
    Reply::json(&round)
}

async fn push(upstream: &Upstream) -> Result<Round, Problem> {
    let start = Instant::now();
    let epoch = journal::epoch().await?;
    let mut push = Push { cursor: journal::acknowledged(upstream.name()).await? };
    let mut round = Round::default();
    while let Some((batch, last)) = next_batch(upstream, &epoch, push.cursor).await? {
        if start.elapsed() > ROUND {
            round.more = true;
            break;
        }
        let before = push.cursor;
        match push.answered(last, upstream.send(&batch).await?) {
            Next::Continue => journal::acknowledge(upstream.name(), push.cursor).await?,
            Next::Pause { retry_after_s, reason } => {
                round.retry_after_seconds = (retry_after_s > 0).then_some(retry_after_s);
                round.problem = Some(reason);
                break;
            }
        }
        let applied = batch.entries.iter().filter(|entry| entry.sequence <= push.cursor).count();
        round.pushed += if push.cursor > before { applied as u64 } else { 0 };
    }
    Ok(round)
}

/// The entries after a cursor, as a batch, with the sequence it ends with. None: there are none.
async fn next_batch(
    upstream: &Upstream,
    epoch: &str,
    after: u64,
) -> Result<Option<(Batch, u64)>, Problem> {
    let entries = journal::entries(after, BATCH_ENTRIES_MAX, BATCH_BYTES).await?;
    let Some(last) = entries.last().map(|entry| entry.sequence) else { return Ok(None) };
    let entries = entries.into_iter().map(|entry| {
        let payload = RawValue::from_string(entry.payload).map_err(Problem::internal)?;
        Ok(Entry { sequence: entry.sequence, kind: entry.kind, payload })
    });
    let entries = entries.collect::<Result<_, Problem>>()?;
    let batch = Batch { node: upstream.node_id.clone(), epoch: epoch.to_owned(), after, entries };
    Ok(Some((batch, last)))
}

impl Upstream {
    /// The upstream of the node's settings. None: it has none, or replication is switched off.
    async fn configured() -> Result<Option<Self>, Problem> {
        let url = settings::text("upstream_url").await?.trim_end_matches('/').to_owned();
        if url.is_empty() || !settings::is_on("sync_enabled").await? {
            return Ok(None);
        }
        let node_id = settings::text("node_id").await?;
        Ok(Some(Self { url, node_id, token: settings::text("upstream_token").await? }))
    }
}
