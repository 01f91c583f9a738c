//! The way to the node above, a step at a time.
//!
//! It is asked for no pieces of any blobs: that shows whether it knows the token, and leaves
//! nothing behind there.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use bytes::Bytes;
use headers::{Date, HeaderMapExt};
use hedgeschool_doctor::link::{STEPS, Seen, judge_expiry};
use hedgeschool_doctor::settings::Upstream;
use hedgeschool_doctor::{Check, Report, clock};
use http::response::Parts;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use serde_json::{Value, json};

use super::subject::Subject;
use super::tls;
use super::words::{one_line, unix_seconds};
use crate::client::http_client;

/// How long each step may take.
const STEP_MAX: Duration = Duration::from_secs(10);
const ASKED: &str = "/sync/v1/blobs";
/// Bytes of an answer that are read.
const ANSWER_MAX: usize = 64 << 10;
/// Characters of what it says that are told.
const DETAIL_MAX: usize = 200;

/// Goes the way.
pub fn probe_upstream(subject: &Subject, report: &mut Report) {
    let enabled = subject.variable_value("sync_enabled").is_none_or(|text| text == "true");
    let url = subject.variable_value("upstream_url").filter(|_| enabled);
    let Some(url) = url else {
        return mark_unseen(
            report,
            &STEPS,
            "there is no node above, or replication is switched off",
        );
    };
    let Some(upstream) = Upstream::parse(url) else {
        return mark_unseen(report, &STEPS, "the address of the node above is none");
    };
    let seen = walk_steps(subject, &upstream, report);
    let reached = STEPS.iter().position(|step| *step == seen.step()).unwrap_or_default();
    let (taken, rest) = STEPS.split_at_checked(reached + 1).unwrap_or((&STEPS, &[]));
    for step in taken {
        let is_plain = *step == Check::UpstreamCertificate && !upstream.is_encrypted;
        if is_plain {
            report.could_not_see(*step, "the line is not encrypted");
        } else {
            report.saw(*step, []);
        }
    }
    report.add(seen.judge());
    mark_unseen(report, rest, "a step before it has failed");
}

fn mark_unseen(report: &mut Report, steps: &[Check], why: &str) {
    for step in steps {
        report.could_not_see(*step, why);
    }
}

fn walk_steps(subject: &Subject, upstream: &Upstream, report: &mut Report) -> Seen {
    let addresses = match resolve_name(upstream) {
        Ok(addresses) => addresses,
        Err(reason) => return Seen::NoName { host: upstream.host.clone(), reason },
    };
    let stream = match connect_any(&addresses) {
        Ok(stream) => stream,
        Err(reason) => {
            let address = format!("{}:{}", upstream.host, upstream.port);
            return Seen::NoConnection { address, reason };
        }
    };
    if upstream.is_encrypted {
        match tls::certificate_end(&upstream.host, stream, STEP_MAX) {
            Ok(ends_s) => {
                let now_s = unix_seconds(SystemTime::now());
                report.add(judge_expiry(&upstream.host, now_s, ends_s));
            }
            Err(tls::TlsFailure::Certificate(fault)) => {
                return Seen::BadCertificate { host: upstream.host.clone(), fault };
            }
            Err(tls::TlsFailure::Other(reason)) => return Seen::NoAnswer { reason },
        }
    }
    match ask_upstream(subject) {
        Ok((head, body)) => {
            report.add(clock_skew(&head).and_then(clock::against_upstream));
            judge_answer(head.status, &body)
        }
        Err(error) => Seen::NoAnswer { reason: one_line(&error) },
    }
}

/// The addresses of a name. The system's resolver has no limit of its own to rely on.
fn resolve_name(upstream: &Upstream) -> Result<Vec<SocketAddr>, String> {
    let (host, port) = (upstream.host.clone(), upstream.port);
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let found = (host.as_str(), port).to_socket_addrs().map(|found| found.collect::<Vec<_>>());
        // Nobody waits any more if it took too long.
        let _ = tell.send(found.map_err(|error| error.to_string()));
    });
    let found = told.recv_timeout(STEP_MAX).map_err(|_| "no answer in time".to_owned())??;
    if found.is_empty() { Err("it has no address".to_owned()) } else { Ok(found) }
}

/// A connection to the first address that takes one.
fn connect_any(addresses: &[SocketAddr]) -> Result<TcpStream, String> {
    let mut reason = String::new();
    for address in addresses {
        match TcpStream::connect_timeout(address, STEP_MAX) {
            Ok(stream) => return Ok(stream),
            Err(error) => reason = error.to_string(),
        }
    }
    Err(reason)
}

/// Asks as this node does.
fn ask_upstream(subject: &Subject) -> Result<(Parts, Bytes)> {
    let variable = |name| subject.variable_value(name).unwrap_or_default();
    let body = json!({ "node": variable("node_id"), "pieces": [] }).to_string();
    let url = format!("{}{ASKED}", variable("upstream_url").trim_end_matches('/'));
    let request = Request::post(url)
        .header("authorization", format!("Bearer {}", variable("upstream_token")))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = http_client(STEP_MAX, false)?;
        let answer = async {
            let (head, body) = client.request(request).await?.into_parts();
            let body = Limited::new(body, ANSWER_MAX).collect().await;
            // The head says most.
            anyhow::Ok((head, body.map(|body| body.to_bytes()).unwrap_or_default()))
        };
        tokio::time::timeout(STEP_MAX, answer).await?
    })
}

/// How far the clock above is ahead of this one, in seconds.
fn clock_skew(head: &Parts) -> Option<f64> {
    let date = SystemTime::from(head.headers.typed_get::<Date>()?);
    Some((unix_seconds(date) - unix_seconds(SystemTime::now())) as f64)
}

fn judge_answer(status: StatusCode, body: &[u8]) -> Seen {
    let problem: Option<Value> = serde_json::from_slice(body).ok();
    let detail = problem.as_ref().and_then(|json| json.get("detail")).and_then(Value::as_str);
    let detail = detail.unwrap_or("it does not say why").chars().filter(|it| !it.is_control());
    let number = status.as_u16();
    match number {
        // Busy is well.
        200 | 429 => Seen::Well,
        401 | 403 => Seen::Refuses { status: number, detail: detail.take(DETAIL_MAX).collect() },
        500.. => Seen::Fails { status: number },
        _ => Seen::NoNode { status: number },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_meaning() {
        let step = |status| judge_answer(StatusCode::from_u16(status).unwrap(), b"{}").step();
        assert_eq!(step(401), Check::UpstreamToken);
        assert_eq!(step(404), Check::UpstreamAnswer);
        assert_eq!(step(302), Check::UpstreamAnswer);
        assert_eq!(step(502), Check::UpstreamAnswer);
        assert_eq!(judge_answer(StatusCode::TOO_MANY_REQUESTS, b""), Seen::Well);
    }
}
