use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hedgeschool_web::{Problem, settings};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use spin_sdk::redis::{Connection, Error, RedisParameter, RedisResult};

use crate::breaker::Breaker;
use crate::deadline::within;
use crate::failure::Failure;

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

/// Errors that are answers: Redis is well.
const ANSWERS: [&str; 2] = ["NOGROUP", "BUSYGROUP"];

impl Redis {
    /// The Redis of the settings. None: the node does without.
    ///
    /// # Errors
    /// When the settings cannot be read.
    pub async fn configured() -> Result<Option<Self>, Problem> {
        let url = settings::text("redis_url").await?;
        if url.is_empty() {
            return Ok(None);
        }
        let password = settings::text("redis_password").await?;
        let prefix = format!("hedgeschool:{}:", settings::text("node_id").await?);
        Ok(Some(Self { address: with_password(&url, &password), prefix }))
    }

    /// A key or channel of this node.
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Runs a command. Nested lists come back as one flat list, and so as `execute` has it.
    ///
    /// # Errors
    /// When Redis is left alone, out of reach, slower than [`COMMAND`], or answers an error.
    pub async fn command(
        &self,
        name: &'static str,
        arguments: impl IntoIterator<Item = RedisParameter>,
    ) -> Result<Vec<RedisResult>, Failure> {
        if !BREAKER.with(|breaker| breaker.allows(Instant::now())) {
            return Err(Failure::LeftAlone(REASON.with_borrow(Clone::clone)));
        }
        let asked = async { self.open_connection().await?.execute(name, arguments).await };
        let Some(answer) = within(COMMAND, asked).await else {
            return Err(leave_alone(format!(
                "{name}: no answer within {} ms",
                COMMAND.as_millis()
            )));
        };
        match answer {
            Ok(values) => {
                BREAKER.with(Breaker::worked);
                Ok(values)
            }
            Err(error) => Err(failure_of(name, &error)),
        }
    }

    /// The instance's connection.
    async fn open_connection(&self) -> Result<Rc<Connection>, Error> {
        let known = CONNECTION.with_borrow(Clone::clone);
        if let Some(connection) = known {
            return Ok(connection);
        }
        let opened = Rc::new(Connection::open(&self.address).await?);
        CONNECTION.set(Some(Rc::clone(&opened)));
        Ok(opened)
    }
}

fn failure_of(command: &str, error: &Error) -> Failure {
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
        None => leave_alone(format!("{command}: {text}")),
    }
}

/// Not every host repairs a connection: the next command opens another one.
fn leave_alone(reason: String) -> Failure {
    CONNECTION.set(None);
    BREAKER.with(|breaker| breaker.failed(Instant::now()));
    REASON.set(reason.clone());
    Failure::Down(reason)
}

/// The address with its password, which is no part of `redis_url`: that one is shown, and an
/// allowed host.
fn with_password(url: &str, password: &str) -> String {
    match url.split_once("://") {
        Some((scheme, host)) if !password.is_empty() => {
            format!("{scheme}://:{}@{host}", utf8_percent_encode(password, NON_ALPHANUMERIC))
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_put_into_the_address() {
        assert_eq!(with_password("redis://cache:6379", ""), "redis://cache:6379");
        assert_eq!(with_password("redis://cache", "a@b/c"), "redis://:a%40b%2Fc@cache");
    }
}
