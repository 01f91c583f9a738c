//! What a node that runs says of itself; and its Redis, which one that does not run cannot be
//! asked about.

use std::time::Duration;

use hedgeschool_doctor::standing::{self, redis_is_down};
use hedgeschool_doctor::{Check, Finding, Report, Status};
use http::Method;
use redis::{Client, RedisResult};

use super::process::RunningNode;
use super::subject::{DoctorOptions, Subject};
use crate::cli::Node;

/// Where a node tells how it stands.
const STATUS: &str = "/sync/v1/status";
/// How long Redis may take.
const REDIS_MAX: Duration = Duration::from_secs(2);

/// Asks it.
pub fn probe_node(
    subject: &Subject,
    options: &DoctorOptions,
    running: &RunningNode,
    report: &mut Report,
) {
    let asked = if running.answers {
        ask_status(subject, options, running)
    } else {
        Err("only a node that runs can tell".to_owned())
    };
    match asked {
        Ok(status) => report_status(&status, subject, report),
        Err(why) => {
            standing::CHECKS.into_iter().for_each(|check| report.could_not_see(check, &why));
            probe_redis(subject, report);
        }
    }
}

fn ask_status(
    subject: &Subject,
    options: &DoctorOptions,
    running: &RunningNode,
) -> Result<Status, String> {
    let own = subject.variable_value("bootstrap_admin").map(str::to_owned);
    let Some(user) = options.user.clone().or(own) else {
        return Err("the node tells administrators alone: --user NAME:PASSWORD".to_owned());
    };
    let node = Node::new(running.url.clone(), user);
    let status =
        node.request_json(Method::GET, STATUS, None).map_err(|error| format!("{error:#}"))?;
    serde_json::from_value(status).map_err(|error| format!("its answer has another form: {error}"))
}

fn report_status(status: &Status, subject: &Subject, report: &mut Report) {
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
        None => probe_redis(subject, report),
    }
    report.was_told(standing::findings(status));
}

fn probe_redis(subject: &Subject, report: &mut Report) {
    // One of no form is what is wrong with the variables.
    let set = subject.variable_value("redis_url").filter(|url| Client::open(*url).is_ok());
    let set = set.map(str::to_owned);
    let servers: Vec<_> = set.into_iter().chain(subject.redis.iter().cloned()).collect();
    if servers.is_empty() {
        return report.could_not_see(Check::Redis, "none is set");
    }
    let password = subject.variable_value("redis_password");
    let down = servers.iter().find_map(|url| ping_redis(url, password).err());
    let found: Option<Finding> = down.map(|error| redis_is_down(&error.to_string()));
    report.saw(Check::Redis, found);
}

fn ping_redis(url: &str, password: Option<&str>) -> RedisResult<()> {
    let mut connection = Client::open(url)?.get_connection_with_timeout(REDIS_MAX)?;
    connection.set_read_timeout(Some(REDIS_MAX))?;
    if let Some(password) = password {
        redis::cmd("AUTH").arg(password).exec(&mut connection)?;
    }
    redis::cmd("PING").exec(&mut connection)
}
