//! The one way components use Redis, and do without it.
//!
//! Redis makes a node faster and is never needed: nothing is acknowledged because Redis has it. So
//! every command has a deadline, and one that fails is an answer like any other. After a failure
//! Redis is left alone for a while ([`Breaker`]): one that is down, or slow, costs a request now
//! and then, and not every request.

mod breaker;
mod changed;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{Either, select};
use hedgeschool_web::{Problem, settings};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use spin_sdk::redis::{Connection, Error};

pub use breaker::Breaker;
pub use changed::changed;
pub use spin_sdk::redis::{RedisParameter, RedisResult};

/// How long a command may take, connecting included. Redis is a neighbour: one that takes longer
/// is slow.
pub const COMMAND: Duration = Duration::from_millis(500);
/// How long Redis is left alone after a failure.
pub const LEFT_ALONE: Duration = Duration::from_secs(3);

thread_local! {
    static BREAKER: Breaker = const { Breaker::new(LEFT_ALONE) };
    static CONNECTION: RefCell<Option<Rc<Connection>>> = const { RefCell::new(None) };
    /// Why it is left alone.
    static REASON: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The Redis of this node's settings.
#[derive(Clone, Debug)]
pub struct Redis {
    /// Address with password.
    address: String,
    /// What this node's keys and channels begin with: nodes may share a Redis.
    prefix: String,
}

/// Why Redis was of no help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It was not asked: it failed a moment ago, for this reason.
    LeftAlone(String),
    /// It could not be reached, or did not answer in time.
    Down(String),
    /// It answered with an error of the kind named: `NOGROUP`, `BUSYGROUP`, …
    Refused(&'static str),
    /// It answered something that the command does not answer.
    Strange(&'static str),
}

/// Errors that are answers: Redis is well.
const ANSWERS: [&str; 2] = ["NOGROUP", "BUSYGROUP"];

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::LeftAlone(reason) | Self::Down(reason) => f.write_str(reason),
            Self::Refused(kind) => write!(f, "it answered {kind}"),
            Self::Strange(command) => write!(f, "it answered {command} with something else"),
        }
    }
}

impl Redis {
    /// The Redis of the settings. None: the node does without.
    pub async fn configured() -> Result<Option<Self>, Problem> {
        let url = settings::text("redis_url").await?;
        if url.is_empty() {
            return Ok(None);
        }
        let password = settings::text("redis_password").await?;
        let prefix = format!("hedgeschool:{}:", settings::text("node_id").await?);
        Ok(Some(Self { address: address(&url, &password), prefix }))
    }

    /// A key or channel of this node.
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Runs a command. Nested lists come back as one flat list, and so as `execute` has it.
    pub async fn command(
        &self,
        name: &'static str,
        arguments: impl IntoIterator<Item = RedisParameter>,
    ) -> Result<Vec<RedisResult>, Failure> {
        if !BREAKER.with(|breaker| breaker.allows(Instant::now())) {
            return Err(Failure::LeftAlone(REASON.with_borrow(Clone::clone)));
        }
        let asked = async { self.connection().await?.execute(name, arguments).await };
        let Some(answer) = within(COMMAND, asked).await else {
            return Err(failed(format!("{name}: no answer within {} ms", COMMAND.as_millis())));
        };
        match answer {
            Ok(values) => {
                BREAKER.with(Breaker::worked);
                Ok(values)
            }
            Err(error) => Err(refused(name, &error)),
        }
    }

    /// The instance's connection.
    async fn connection(&self) -> Result<Rc<Connection>, Error> {
        let known = CONNECTION.with_borrow(Clone::clone);
        if let Some(connection) = known {
            return Ok(connection);
        }
        let opened = Rc::new(Connection::open(&self.address).await?);
        CONNECTION.set(Some(Rc::clone(&opened)));
        Ok(opened)
    }
}

fn refused(command: &str, error: &Error) -> Failure {
    let text = match error {
        Error::Other(text) => text.clone(),
        Error::InvalidAddress => {
            "redis_url is none, or not one that the manifest allows".to_owned()
        }
        other => format!("{other:?}"),
    };
    match ANSWERS.into_iter().find(|kind| text.contains(kind)) {
        Some(kind) => {
            BREAKER.with(Breaker::worked);
            Failure::Refused(kind)
        }
        None => failed(format!("{command}: {text}")),
    }
}

/// Not every host repairs a connection: the next command opens another one.
fn failed(reason: String) -> Failure {
    CONNECTION.set(None);
    BREAKER.with(|breaker| breaker.failed(Instant::now()));
    REASON.set(reason.clone());
    Failure::Down(reason)
}

/// The address with its password, which is no part of `redis_url`: that one is shown, and an
/// allowed host.
fn address(url: &str, password: &str) -> String {
    match url.split_once("://") {
        Some((scheme, host)) if !password.is_empty() => {
            format!("{scheme}://:{}@{host}", utf8_percent_encode(password, NON_ALPHANUMERIC))
        }
        _ => url.to_owned(),
    }
}

/// Waits for something no longer than this.
pub async fn within<T>(limit: Duration, awaited: impl Future<Output = T>) -> Option<T> {
    let late = spin_sdk::time::sleep(limit).boxed_local();
    match select(awaited.boxed_local(), late).await {
        Either::Left((answer, _)) => Some(answer),
        Either::Right(_) => None,
    }
}

/// A text as an argument.
pub fn text(text: impl AsRef<str>) -> RedisParameter {
    RedisParameter::Binary(text.as_ref().as_bytes().to_vec())
}

/// A value as text, if it is one.
pub fn as_text(value: &RedisResult) -> Option<&str> {
    match value {
        RedisResult::Status(text) => Some(text),
        RedisResult::Binary(bytes) => std::str::from_utf8(bytes).ok(),
        RedisResult::Nil | RedisResult::Int64(_) => None,
    }
}

/// What a command answers that answers a number.
pub fn as_number(values: &[RedisResult]) -> Option<i64> {
    match values {
        [RedisResult::Int64(number)] => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_put_into_the_address() {
        assert_eq!(address("redis://cache:6379", ""), "redis://cache:6379");
        assert_eq!(address("redis://cache", "a@b/c"), "redis://:a%40b%2Fc@cache");
    }
}
