//! The node's last week: a sample each ten minutes, kept by days.

use hedgeschool_history::{DAYS, Day, Host, Sample, is_due, place};
use hedgeschool_web::{Problem, Reply, Request, StatusCode, body};

use crate::link::Link;
use crate::stores::{Error, Journal, node_state};
use crate::upstream::Upstream;
use crate::{PRIVATE_BYTES_MAX, node, storage, waiting};

/// `POST /observe`, private: a host tells what it knows, and has a sample taken.
pub async fn observe(request: Request) -> Result<Reply, Problem> {
    let host: Host = body::json(request, PRIVATE_BYTES_MAX).await?;
    record(now(), Some(host)).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Takes a sample if none was taken yet in this period: for hosts that do not ask for one.
pub async fn observe_if_due() -> Result<(), Problem> {
    let now = now();
    let last = day_of(now).await?.last();
    if is_due(last, now) { record(now, None).await } else { Ok(()) }
}

/// `POST /history`, private: all samples there are, in the order of their times.
pub async fn show() -> Result<Reply, Problem> {
    let kept = node_state::days().await.map_err(Error::from)?;
    let days = kept.iter().map(|kept| serde_json::from_str::<Day>(&kept.samples));
    let mut days: Vec<_> = days.collect::<Result<_, _>>().map_err(Error::unreadable)?;
    days.sort_by_key(|day| day.day);
    Reply::json(&days.into_iter().flat_map(|day| day.samples).collect::<Vec<_>>())
}

async fn record(at: i64, host: Option<Host>) -> Result<(), Problem> {
    let mut day = day_of(at).await?;
    day.record(sample(at, host).await?);
    let samples = serde_json::to_string(&day).map_err(Problem::internal)?;
    let day = node_state::Day { place: slot(at), samples };
    match node_state::set_day(day).await.map_err(Error::from) {
        // There is nothing to draw of a full disk but that it is full.
        Err(Error::Full) => Ok(()),
        noted => Ok(noted?),
    }
}

async fn sample(at: i64, host: Option<Host>) -> Result<Sample, Problem> {
    let mut recorded = 0;
    for journal in Journal::ALL {
        recorded += journal.head().await?;
    }
    let unsynced = match Upstream::configured().await? {
        Some(upstream) => {
            let link = Link::load(&upstream.url).await?;
            Some(waiting::queue(&upstream, &link).await?.entries)
        }
        None => None,
    };
    let stored = storage::storage().await?.used;
    Ok(Sample { at, host, recorded, unsynced, stored })
}

/// What is kept of the day in which a moment is, or of the one whose place it takes.
async fn day_of(at: i64) -> Result<Day, Problem> {
    let samples = node_state::find_day(slot(at)).await.map_err(Error::from)?;
    let day = samples.map(|samples| serde_json::from_str(&samples)).transpose();
    Ok(day.map_err(Error::unreadable)?.unwrap_or_default())
}

/// Where the store keeps the day of a moment: there are ten places.
fn slot(at: i64) -> u8 {
    const _: () = assert!(DAYS < 10);
    place(at) as u8
}

/// Seconds since 1970.
fn now() -> i64 {
    (node::now() / 1_000_000) as i64
}
