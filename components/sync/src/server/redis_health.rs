//! The last time that Redis was of no help.

use hedgeschool_redis::Failure;
use hedgeschool_replication::Stamp;
use serde::Serialize;

use crate::error::Result;
use crate::peer::now_us;
use crate::store::node_state;

/// How often a problem with Redis is recorded, in microseconds.
const RECORDED_EVERY_US: Stamp = 10_000_000;
/// After so long without problems another one is logged, in microseconds.
const LOGGED_AFTER_US: Stamp = 60_000_000;

/// A problem with Redis.
#[derive(Serialize)]
pub struct RedisProblem {
    /// In microseconds since 1970.
    pub at: Stamp,
    /// What it was.
    pub problem: String,
}

/// The last problem, if there was one.
pub async fn last_problem() -> Result<Option<RedisProblem>> {
    let problem = node_state::find_redis_problem().await?;
    Ok(problem.map(|it| RedisProblem { at: it.at, problem: it.problem }))
}

/// What becomes of a problem so long after the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Attention {
    records: bool,
    logs: bool,
}

fn attention_after(since_us: Stamp) -> Attention {
    Attention { records: since_us >= RECORDED_EVERY_US, logs: since_us > LOGGED_AFTER_US }
}

/// Remembers that Redis was of no help.
pub async fn record_problem(failure: &Failure) -> Result<()> {
    let at = now_us();
    let since_us = last_problem().await?.map_or(Stamp::MAX, |last| at.saturating_sub(last.at));
    let attention = attention_after(since_us);
    if !attention.records {
        return Ok(());
    }
    let problem = failure.to_string();
    if attention.logs {
        eprintln!("redis: {problem}; batches are applied without it");
    }
    Ok(node_state::set_redis_problem(node_state::RedisProblem { at, problem }).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_in_a_row_are_recorded_now_and_then_and_logged_once() {
        assert_eq!(attention_after(9_999_999), Attention { records: false, logs: false });
        assert_eq!(attention_after(10_000_000), Attention { records: true, logs: false });
        assert_eq!(attention_after(Stamp::MAX), Attention { records: true, logs: true });
    }
}
