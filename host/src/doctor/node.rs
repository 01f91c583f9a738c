//! What a node that runs says of itself; and its Redis, which one that does not run cannot be
//! asked about.

use std::time::Duration;

use hedgeschool_doctor::standing::{self, redis_is_down};
use hedgeschool_doctor::{Check, Finding, Report, Status};
use http::Method;
use redis::{Client, RedisResult};

use super::process::Seen;
use super::{Options, Subject};
use crate::cli::Node;

/// Where a node tells how it stands.
const STATUS: &str = "/sync/v1/status";
/// How long Redis may take.
const REDIS_MAX: Duration = Duration::from_secs(2);

/// Asks it.
pub fn look(subject: &Subject, options: &Options, running: &Seen, report: &mut Report) {
    let asked = if running.answers {
        ask(subject, options, running)
    } else {
        Err("only a node that runs can tell".to_owned())
    };
    match asked {
        Ok(status) => told(&status, subject, report),
        Err(why) => {
            standing::CHECKS.into_iter().for_each(|check| report.could_not_see(check, &why));
            look_at_redis(subject, report);
        }
    }
}

fn ask(subject: &Subject, options: &Options, running: &Seen) -> Result<Status, String> {
    let own = subject.variable("bootstrap_admin").map(str::to_owned);
    let Some(user) = options.user.clone().or(own) else {
        return Err("the node tells administrators alone: --user NAME:PASSWORD".to_owned());
    };
    let node = Node::new(running.url.clone(), user);
    let status = node.call(Method::GET, STATUS, None).map_err(|error| format!("{error:#}"))?;
    serde_json::from_value(status).map_err(|error| format!("its answer has another form: {error}"))
}

fn told(status: &Status, subject: &Subject, report: &mut Report) {
    let is_of_above = |check| matches!(check, Check::Replication | Check::Backlog | Check::Upgrade);
    for check in standing::CHECKS {
        if status.upstream.is_none() && is_of_above(check) {
            report.could_not_see(check, "there is no node above, or replication is switched off");
        } else if check == Check::Below && status.nodes.is_empty() {
            report.could_not_see(check, "there is no node below");
        } else {
            report.saw(check, []);
        }
    }
    match &status.redis {
        Some(_) => report.saw(Check::Redis, []),
        None => look_at_redis(subject, report),
    }
    report.was_told(standing::findings(status));
}

fn look_at_redis(subject: &Subject, report: &mut Report) {
    // One of no form is what is wrong with the variables.
    let set = subject.variable("redis_url").filter(|url| Client::open(*url).is_ok());
    let set = set.map(str::to_owned);
    let servers: Vec<_> = set.into_iter().chain(subject.redis.iter().cloned()).collect();
    if servers.is_empty() {
        return report.could_not_see(Check::Redis, "none is set");
    }
    let password = subject.variable("redis_password");
    let down = servers.iter().find_map(|url| ping(url, password).err());
    let found: Option<Finding> = down.map(|error| redis_is_down(&error.to_string()));
    report.saw(Check::Redis, found);
}

fn ping(url: &str, password: Option<&str>) -> RedisResult<()> {
    let mut connection = Client::open(url)?.get_connection_with_timeout(REDIS_MAX)?;
    connection.set_read_timeout(Some(REDIS_MAX))?;
    if let Some(password) = password {
        redis::cmd("AUTH").arg(password).exec(&mut connection)?;
    }
    redis::cmd("PING").exec(&mut connection)
}
