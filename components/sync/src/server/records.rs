//! Records of subjects, for nodes below and for this one.

use hedgeschool_replication::wire::{BODY_BYTES_MAX, Record, RecordRequest};
use hedgeschool_web::{Problem, Reply, Request, StatusCode, body};
use serde::Deserialize;

use crate::client::records::{fetch_from_above, follow_subject};
use crate::client::upstream::Upstream;
use crate::error::Result;
use crate::peer::find_report;
use crate::server::access::{check_same_node, find_journal, find_sender};
use crate::server::feeds::recognise_copy;
use crate::store::{Journal, PeerState};

/// `POST /sync/v1/record`: what there is about a subject, here or further up.
pub async fn answer_record(request: Request) -> Result<Reply> {
    let sender = find_sender(request.headers()).await?;
    let bytes = body::read(request, BODY_BYTES_MAX).await?;
    let asked = RecordRequest::parse(&bytes)?;
    check_same_node(&sender, &asked.node)?;
    let journal = find_journal(&asked.journal)?;
    journal.follow_subject(sender.clone(), asked.subject.clone()).await?;
    if asked.after == 0 {
        fetch_from_above(journal, &asked.subject).await?;
    }
    let PeerState { epoch, .. } = recognise_copy(journal, &sender, &asked.cursor).await?;
    let mut page = journal.read_entries_about(asked.subject, asked.after).await?;
    // The node asks again for all that it follows when it is upgraded.
    let protocol = find_report(&sender).await?.health.protocol;
    protocol.withhold(journal.name(), &mut page.entries);
    let bookmark = journal.issue_token(sender, epoch, journal.read_head().await?).await?;
    let next = page.more.then_some(page.through);
    Ok(Reply::json(&Record { bookmark, entries: page.entries, next })?)
}

/// A learner whom this node serves from now on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Follow {
    /// A journal's name.
    journal: String,
    /// Whom or what the entries are about.
    subject: String,
    /// Somebody waits for the record, which is fetched at once if the link allows it.
    now: bool,
}

/// `POST /follow`, private: gets what other nodes know of a subject, now and from now on.
pub async fn take_follow(wanted: Follow) -> Result<Reply> {
    let journal = Journal::find_by_name(&wanted.journal);
    let journal = journal.ok_or_else(|| Problem::bad_request("there is no such journal"))?;
    if wanted.now {
        fetch_from_above(journal, &wanted.subject).await?;
    } else if Upstream::load_configured().await?.is_some() {
        follow_subject(journal, &wanted.subject).await?;
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
