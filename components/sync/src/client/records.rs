//! The records of learners: what the node above has about one subject.

use std::time::Duration;

use futures::future::try_join_all;
use hedgeschool_replication::timing::REQUEST_TIMEOUT;
use hedgeschool_replication::wire::{Entry, RECORD_PATH, Record, RecordRequest};

use crate::checkpoint::{UpstreamCursor, UpstreamState, record_checkpoint};
use crate::client::upstream::Upstream;
use crate::error::{Result, SyncError};
use crate::store::{Advance, Journal, RecordAdvance, StoreBatch, origin_of};

/// How long to wait for a record that somebody waits for.
const WAITED_FOR: Duration = Duration::from_secs(3);

/// Who follows subjects here: the node itself.
const SELF: &str = "";

/// Makes a subject concern this node. True: it did not before, and its record is still to come.
pub async fn follow_subject(journal: Journal, subject: &str) -> Result<bool> {
    if journal.is_followed(SELF.to_owned(), subject.to_owned()).await? {
        return Ok(journal.find_wanted_from(subject.to_owned()).await?.is_some());
    }
    journal.want_record(subject.to_owned()).await?;
    journal.follow_subject(SELF.to_owned(), subject.to_owned()).await?;
    Ok(true)
}

/// Gets what is further up about a subject, if that can be had within a moment; otherwise a round
/// will.
pub async fn fetch_from_above(journal: Journal, subject: &str) -> Result<()> {
    let Some(upstream) = Upstream::load_configured().await? else { return Ok(()) };
    if !follow_subject(journal, subject).await? {
        return Ok(());
    }
    let state = UpstreamState::load(&upstream.url).await?;
    if !state.is_reachable() {
        return Ok(());
    }
    match fetch_record(&upstream, &state.node, journal, subject, WAITED_FOR).await {
        Ok(_) | Err(SyncError::Upstream(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Fetches records that are still to come, and answers how many entries came.
pub async fn fetch_wanted_records(upstream: &Upstream, peer: &str) -> Result<u64> {
    let wanted =
        try_join_all(Journal::ALL.map(async |journal| {
            Ok::<_, SyncError>((journal, journal.list_wanted_records().await?))
        }));
    let mut entries = 0;
    for (journal, subjects) in wanted.await? {
        for subject in subjects {
            entries += fetch_record(upstream, peer, journal, &subject, REQUEST_TIMEOUT).await?;
        }
    }
    Ok(entries)
}

/// Fetches the rest of a subject's record.
async fn fetch_record(
    upstream: &Upstream,
    peer: &str,
    journal: Journal,
    subject: &str,
    within: Duration,
) -> Result<u64> {
    let mut count = 0;
    loop {
        let before = journal.find_wanted_from(subject.to_owned()).await?;
        let Some(before) = before else { return Ok(count) };
        let cursor = UpstreamCursor::read(journal, &upstream.url).await?;
        let request = RecordRequest {
            node: upstream.me.clone(),
            journal: journal.name().to_owned(),
            subject: subject.to_owned(),
            cursor: cursor.cursor.clone(),
            after: before,
        };
        let record: Record = upstream.ask_json(RECORD_PATH, &request, within).await?;
        // Before it is applied: an upstream that does not know of it has lost what it was.
        match record_checkpoint(journal, &upstream.url, &record.bookmark).await {
            Err(SyncError::Full) => return Ok(count),
            recorded => recorded?,
        }
        cursor.forget_superseded(journal, &upstream.url, &record.bookmark).await?;
        count += record.entries.len() as u64;
        let peer = origin_of(peer, &record.bookmark.epoch);
        let advance = RecordAdvance { subject: subject.to_owned(), before, after: record.next };
        if !apply_part(journal, peer, advance, record.entries).await? {
            return Ok(count);
        }
    }
}

/// Applies a part of a record. False: there is no room for it, so it is still wanted.
async fn apply_part(
    journal: Journal,
    peer: String,
    advance: RecordAdvance,
    entries: Vec<Entry>,
) -> Result<bool> {
    let batch = StoreBatch { peer, scope: None, advance: Advance::Record(advance), entries };
    match journal.apply_batch(batch).await {
        Ok(()) | Err(SyncError::Moved) => Ok(true),
        Err(SyncError::Full) => Ok(false),
        Err(error) => Err(error),
    }
}
