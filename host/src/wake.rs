//! Wake-ups: components say on a Redis channel that they recorded something, and a round need not
//! wait for the end of its pause.
//!
//! Only an accelerator: what is said while nobody listens is found by the next round.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use redis::{IntoConnectionInfo, Value};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::variables::Variables;

/// How long connecting, subscribing and being there may each take.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// After so long without a message it is asked whether Redis is still there.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// The pause before listening again, which doubles from the one to the other.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Where wake-ups come from.
#[derive(Debug)]
pub struct Wake {
    client: redis::Client,
    channel: String,
}

impl Wake {
    /// Reads `redis_url`, `redis_password` and `node_id`. None: there is no Redis, or no
    /// `upstream_url` to do a round with.
    ///
    /// # Errors
    /// When `redis_url` is none.
    pub fn from_variables(variables: &Variables) -> Result<Option<Self>> {
        let variable = |name| variables.get(name).map(str::trim).unwrap_or_default();
        let (url, password) = (variable("redis_url"), variable("redis_password"));
        if url.is_empty() || variable("upstream_url").is_empty() {
            return Ok(None);
        }
        let context = "variable redis_url is none: write redis://host:port";
        let mut info = url.into_connection_info().context(context)?;
        if !password.is_empty() {
            let settings = info.redis_settings().clone().set_password(password);
            info = info.set_redis_settings(settings);
        }
        let channel = format!("hedgeschool:{}:changed", variable("node_id"));
        Ok(Some(Self { client: redis::Client::open(info).context(context)?, channel }))
    }

    /// Listens until dropped, and passes wake-ups on.
    pub async fn listen_for_changes(&self, signal: &Notify) {
        let mut pause = PAUSE_MIN;
        loop {
            let mut heard = false;
            if let Err(error) = self.listen_once(signal, &mut heard).await {
                tracing::debug!("no wake-ups from Redis for now: {error:#}");
            }
            pause = if heard { PAUSE_MIN } else { (pause * 2).min(PAUSE_MAX) };
            tokio::time::sleep(pause).await;
        }
    }

    /// Listens until the connection ends.
    async fn listen_once(&self, signal: &Notify, heard: &mut bool) -> Result<()> {
        let connecting = self.client.get_async_pubsub();
        let (mut sink, mut messages) = timeout(ANSWER_MAX, connecting).await??.split();
        timeout(ANSWER_MAX, sink.subscribe(&self.channel)).await??;
        *heard = true;
        // What was said before was not heard.
        signal.notify_one();
        loop {
            match timeout(SILENCE_MAX, messages.next()).await {
                Ok(Some(_)) => signal.notify_one(),
                Ok(None) => bail!("the connection has ended"),
                Err(_) => drop(timeout(ANSWER_MAX, sink.ping::<Value>()).await??),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::manifest::Variable;
    use crate::variables::{EnvironmentNames, Overrides};

    fn wake(values: &[(&str, &str)]) -> Result<Option<Wake>> {
        let declare = |(name, value): &(&str, &str)| {
            let default = Some((*value).to_owned());
            ((*name).to_owned(), Variable { default, secret: false })
        };
        let declared: BTreeMap<_, _> = values.iter().map(declare).collect();
        Wake::from_variables(&Variables::resolve(
            &declared,
            &Overrides::default(),
            EnvironmentNames::default(),
            |_| None,
        )?)
    }

    #[test]
    fn a_node_with_redis_and_an_upstream_listens() {
        let redis = ("redis_url", "redis://127.0.0.1:6379");
        let upstream = ("upstream_url", "http://hub");
        assert!(wake(&[redis]).unwrap().is_none() && wake(&[upstream]).unwrap().is_none());
        let settings = [redis, upstream, ("redis_password", "p@ss"), ("node_id", "edge1")];
        let wake_up = wake(&settings).unwrap().unwrap();
        assert_eq!(wake_up.channel, "hedgeschool:edge1:changed");
        let info = wake_up.client.get_connection_info();
        assert_eq!(info.redis_settings().password(), Some("p@ss"));
        assert!(wake(&[("redis_url", "localhost"), upstream]).is_err());
    }
}
