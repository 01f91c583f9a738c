//! One round of replication with the node above.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use hedgeschool_replication::backoff::pause_after_failure;
use hedgeschool_web::random_bytes;

use crate::admin::{health, storage};
use crate::checkpoint::upstream_state::JournalProgress;
use crate::checkpoint::{Snapshot, UpstreamState, restart_all_feeds};
use crate::client::blobs::finish_arrivals;
use crate::client::exchange::{Exchange, exchange_news};
use crate::client::failure::UpstreamFailure;
use crate::client::outbox::Outbox;
use crate::client::report::RoundReport;
use crate::client::session::Session;
use crate::client::upstream::Upstream;
use crate::error::{Result, SyncError};
use crate::peer::now_us;

/// How long a round may go on while there is work; well below the request deadlines of hosts.
const WORK: Duration = Duration::from_secs(8);
/// How long a round that failed may go on with what needs no upstream.
const FINISH: Duration = Duration::from_secs(2);

/// Runs a round; one that lingers goes on for so long, and passes on news as they come. An
/// upstream out of reach is no failure of this node.
pub async fn run_round(linger: Duration) -> Result<RoundReport> {
    let Some(upstream) = Upstream::load_configured().await? else {
        storage::keep_within_limit(None).await?;
        return Ok(RoundReport::default());
    };
    let snapshot = Snapshot::read(&upstream.url).await?;
    storage::keep_within_limit(Some(&snapshot)).await?;
    let health = health::read_health(&upstream.me, &snapshot).await?;
    let greeting = exchange_news(&upstream, &snapshot, health, Duration::ZERO).await;
    match greeting {
        Ok(greeting) => run_greeted(upstream, snapshot, greeting, linger).await,
        Err(error) => end_round(snapshot.upstream, RoundReport::default(), Some(error)).await,
    }
}

/// Goes on with a round once the upstream has answered.
async fn run_greeted(
    upstream: Upstream,
    snapshot: Snapshot,
    greeting: Exchange,
    linger: Duration,
) -> Result<RoundReport> {
    let Snapshot { upstream: mut state, below, .. } = snapshot;
    if greeting.has_lost(&state) {
        eprintln!("{} has lost entries: all of it is read again", upstream.url);
        restart_all_feeds(&upstream.url).await?;
    } else if state.has_learnt() {
        eprintln!("this node was upgraded: what {} kept from it is read", upstream.url);
        restart_all_feeds(&upstream.url).await?;
    }
    let Exchange { peer, skew, applied, pulled, is_wanting } = greeting;
    let outboxes =
        applied.into_iter().map(|applied| Outbox::open(applied, &upstream, &peer, &state, &below));
    let mut outboxes = try_join_all(outboxes).await?;
    // At once: what is recorded while the round goes on is of this upstream too.
    state.record_peer(&peer, &progress_of(&outboxes));
    let is_renewed = outboxes.iter().any(Outbox::is_renewed);
    let work = if linger.is_zero() { WORK } else { linger };
    let session = Session::new(upstream, state.clone(), below, skew, work, !linger.is_zero());
    let outcome = session.run(&mut outboxes, pulled, is_renewed, is_wanting).await;
    state.record_peer(&peer, &progress_of(&outboxes));
    state.record_contact(now_us(), skew);
    for outbox in &mut outboxes {
        outbox.record_watermark().await?;
    }
    let state = state.with_positions(&progress_of(&outboxes));
    end_round(state, outcome.report, outcome.error).await
}

/// What the outboxes know of their journals.
pub fn progress_of(outboxes: &[Outbox]) -> Vec<JournalProgress> {
    outboxes.iter().map(Outbox::progress).collect()
}

/// Records how a round ended, and answers what it did.
async fn end_round(
    mut state: UpstreamState,
    mut report: RoundReport,
    error: Option<SyncError>,
) -> Result<RoundReport> {
    let failure = match error {
        None => {
            state.record_success();
            state.save().await?;
            return Ok(report);
        }
        Some(SyncError::Upstream(failure)) => failure,
        Some(error) => return Err(error),
    };
    // What is here needs no upstream to become visible.
    let has_finished = match finish_arrivals(Instant::now() + FINISH).await {
        // When there is room again.
        Err(SyncError::Full) => false,
        finished => finished?,
    };
    let failing_for = state.begin_failure(has_finished || report.has_worked(), now_us());
    let pause = match &failure {
        UpstreamFailure::Busy(pause) => *pause,
        _ => pause_after_failure(failing_for, u64::from_le_bytes(random_bytes())),
    };
    state.record_failure(&failure, pause);
    // Whoever asks to be left alone for a moment expects the rest after it.
    report.more = matches!(failure, UpstreamFailure::Busy(_));
    report.retry_after_seconds = Some(pause.as_secs_f64());
    report.problem.clone_from(&state.problem);
    state.save().await?;
    Ok(report)
}
