//! The node's last week: a sample each ten minutes, kept by days.

use hedgeschool_history::{DAYS, Day, Host, Sample, is_due, place};
use hedgeschool_web::{Reply, StatusCode};

use crate::admin::storage::read_storage;
use crate::checkpoint::{Snapshot, count_unapplied};
use crate::client::upstream::Upstream;
use crate::error::{Result, SyncError, tolerate_full};
use crate::peer::now_us;
use crate::store::{Journal, node_state, read_or_begin};

/// `POST /observe`, private: a host tells what it knows, and has a sample taken.
pub async fn observe(host: Host) -> Result<Reply> {
    record_sample(now_s(), Some(host)).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Takes a sample if none was taken yet in this period: for hosts that do not ask for one.
pub async fn observe_if_due() -> Result<()> {
    let now = now_s();
    let last = read_day(now).await?.last();
    if is_due(last, now) { record_sample(now, None).await } else { Ok(()) }
}

/// `POST /history`, private: all samples there are, in the order of their times.
pub async fn show_history() -> Result<Reply> {
    let kept = node_state::days().await?;
    let days =
        kept.iter().map(|kept| read_or_begin::<Day>("a day of the last week", &kept.samples));
    let mut days: Vec<_> = days.collect();
    days.sort_by_key(|day| day.day);
    let samples: Vec<_> = days.into_iter().flat_map(|day| day.samples).collect();
    Ok(Reply::json(&samples)?)
}

async fn record_sample(at: i64, host: Option<Host>) -> Result<()> {
    let mut day = read_day(at).await?;
    day.record(take_sample(at, host).await?);
    let samples = serde_json::to_string(&day).map_err(SyncError::Unwritable)?;
    let day = node_state::Day { place: slot_of(at), samples };
    // There is nothing to draw of a full disk but that it is full.
    tolerate_full(node_state::set_day(day).await.map_err(SyncError::from))
}

async fn take_sample(at: i64, host: Option<Host>) -> Result<Sample> {
    let mut recorded = 0;
    for journal in Journal::ALL {
        recorded += journal.read_head().await?;
    }
    let unsynced = match Upstream::load_configured().await? {
        Some(upstream) => {
            let snapshot = Snapshot::read(&upstream.url).await?;
            Some(count_unapplied(&upstream.me, &snapshot).await?.entries)
        }
        None => None,
    };
    let stored = read_storage().await?.used;
    Ok(Sample { at, host, recorded, unsynced, stored })
}

/// What is kept of the day in which a moment is, or of the one whose place it takes.
async fn read_day(at: i64) -> Result<Day> {
    let samples = node_state::find_day(slot_of(at)).await?;
    let day = samples.map(|samples| read_or_begin("a day of the last week", &samples));
    Ok(day.unwrap_or_default())
}

/// Where the store keeps the day of a moment: there are ten places.
fn slot_of(at: i64) -> u8 {
    const _: () = assert!(DAYS < 10);
    place(at) as u8
}

/// Seconds since 1970.
fn now_s() -> i64 {
    now_us() / 1_000_000
}
