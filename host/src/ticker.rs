//! The sync ticker: tells the application's `sync` component when to do a round.
//!
//! Hosts without a ticker post to the component's public tick route instead; this is the same
//! request, sent in memory. A [`Wake`] makes a round come early, but never before the moment that
//! the last one asked for.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::server::Directory;
use crate::variables::Variables;
use crate::wake::Wake;
use crate::{duration, inside};

/// The id of the component that is ticked.
pub const COMPONENT: &str = "sync";
const TICK: &str = "/tick";
/// The shortest pause after a tick that failed, whoever wakes.
const FAILED_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause a reply can ask for.
const PAUSE_MAX: Duration = Duration::from_secs(24 * 3600);

/// When to tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// The longest pause between two rounds.
    pub interval: Duration,
}

impl Schedule {
    /// Reads `sync_enabled` (`true` or `false`, false when the application has no such variable)
    /// and `sync_interval` (`10s` when there is none).
    ///
    /// # Errors
    /// When either has another form, naming it.
    pub fn from_variables(variables: &Variables) -> Result<Option<Self>> {
        let enabled = match variables.get("sync_enabled").map(str::trim) {
            None | Some("" | "false") => false,
            Some("true") => true,
            Some(other) => bail!("variable sync_enabled is {other:?}: write true or false"),
        };
        let interval = variables.get("sync_interval").unwrap_or("10s");
        let interval = duration::parse(interval).context("variable sync_interval")?;
        Ok(enabled.then_some(Self { interval }))
    }
}

/// What the component replies to a tick.
#[derive(Debug, PartialEq, Deserialize)]
struct TickReply {
    /// Whether there is more to do right now.
    more: bool,
    /// How long to leave upstream alone.
    #[serde(default)]
    retry_after_seconds: Option<f64>,
}

/// When to tick again.
#[derive(Debug, PartialEq)]
struct TickPause {
    /// After this if somebody wakes the ticker.
    shortest: Duration,
    /// After this in any case.
    longest: Duration,
}

impl TickPause {
    async fn wait_for_wake(&self, signal: &Notify) {
        let start = Instant::now();
        sleep_until(start + self.shortest).await;
        tokio::select! {
            () = sleep_until(start + self.longest) => {}
            () = signal.notified() => {}
        }
    }
}

impl TickReply {
    fn next_pause(&self, interval: Duration) -> TickPause {
        let retry_after = self.retry_after_seconds.unwrap_or(0.0).max(0.0);
        let retry_after = Duration::try_from_secs_f64(retry_after).unwrap_or(PAUSE_MAX);
        let shortest = retry_after.min(PAUSE_MAX);
        let longest = if self.more { shortest } else { shortest.max(interval).min(PAUSE_MAX) };
        TickPause { shortest, longest }
    }
}

/// Ticks until dropped, the first time at once. A change from working to failing and back is
/// logged, not every failure: a link can be down for days.
pub async fn run_ticker(directory: Directory, schedule: Schedule, wake: Option<Wake>) {
    let signal = Notify::new();
    let ticking = tick_on(&directory, schedule, &signal);
    match wake {
        None => ticking.await,
        Some(wake) => tokio::join!(ticking, wake.listen_for_changes(&signal)).0,
    }
}

async fn tick_on(directory: &Directory, schedule: Schedule, signal: &Notify) {
    let mut failing = false;
    loop {
        let pause = match send_tick(directory).await {
            Ok(reply) => {
                if std::mem::take(&mut failing) {
                    tracing::info!("sync works again");
                }
                reply.next_pause(schedule.interval)
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(
                        "sync failed and is tried every {:?}: {error:#}",
                        schedule.interval
                    );
                }
                let longest = schedule.interval;
                TickPause { shortest: FAILED_PAUSE.min(longest), longest }
            }
        };
        pause.wait_for_wake(signal).await;
    }
}

async fn send_tick(directory: &Directory) -> Result<TickReply> {
    let body = inside::post_to(directory, COMPONENT, TICK, Bytes::new()).await?;
    serde_json::from_slice(&body).context("the reply to a tick is not {\"more\": true|false, …}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::manifest::Variable;
    use crate::variables::{EnvironmentNames, Overrides};

    fn schedule(values: &[(&str, &str)]) -> Result<Option<Schedule>> {
        let declare = |(name, value): &(&str, &str)| {
            let default = Some((*value).to_owned());
            ((*name).to_owned(), Variable { default, secret: false })
        };
        let declared: BTreeMap<_, _> = values.iter().map(declare).collect();
        let variables = Variables::resolve(
            &declared,
            &Overrides::default(),
            EnvironmentNames::default(),
            |_| None,
        )?;
        Schedule::from_variables(&variables)
    }

    #[test]
    fn the_variables_switch_it_and_set_its_pace() {
        let ten_seconds = Schedule { interval: Duration::from_secs(10) };
        assert_eq!(schedule(&[]).unwrap(), None);
        assert_eq!(schedule(&[("sync_enabled", "false")]).unwrap(), None);
        assert_eq!(schedule(&[("sync_enabled", "true")]).unwrap(), Some(ten_seconds));
        let fast = schedule(&[("sync_enabled", "true"), ("sync_interval", "500ms")]).unwrap();
        assert_eq!(fast, Some(Schedule { interval: Duration::from_millis(500) }));
    }

    #[test]
    fn bad_values_are_refused_by_name() {
        for values in [("sync_enabled", "yes"), ("sync_interval", "soon"), ("sync_interval", "")] {
            let error = schedule(&[values]).unwrap_err();
            assert!(format!("{error:#}").contains(values.0), "{error:#}");
        }
    }

    #[test]
    fn replies_decide_the_pause() {
        let interval = Duration::from_secs(10);
        let pause = |text: &str| {
            let reply: TickReply = serde_json::from_str(text).unwrap();
            let pause = reply.next_pause(interval);
            (pause.shortest.as_secs(), pause.longest.as_secs())
        };
        assert_eq!(pause(r#"{"more": true, "retry_after_seconds": null}"#), (0, 0));
        assert_eq!(pause(r#"{"more": false}"#), (0, 10));
        assert_eq!(pause(r#"{"more": false, "retry_after_seconds": 3}"#), (3, 10));
        assert_eq!(pause(r#"{"more": false, "retry_after_seconds": 30}"#), (30, 30));
        assert_eq!(pause(r#"{"more": true, "retry_after_seconds": 2}"#), (2, 2));
        let day = PAUSE_MAX.as_secs();
        assert_eq!(pause(r#"{"more": true, "retry_after_seconds": 1e300}"#), (day, day));
        assert_eq!(pause(r#"{"more": true, "retry_after_seconds": -1}"#), (0, 0));
    }

    #[tokio::test]
    async fn whoever_wakes_the_ticker_shortens_its_pause_and_not_what_was_asked_for() {
        let signal = Notify::new();
        let (short, long) = (Duration::from_millis(30), Duration::from_secs(3600));
        signal.notify_one();
        let start = Instant::now();
        TickPause { shortest: short, longest: long }.wait_for_wake(&signal).await;
        assert!((short..long).contains(&start.elapsed()));
        TickPause { shortest: Duration::ZERO, longest: short }.wait_for_wake(&signal).await;
        assert!(start.elapsed() >= short * 2, "it was woken twice");
    }
}
