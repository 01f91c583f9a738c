//! The load generator: HTTP/1.1 over connections kept alive.
//!
//! [`closed`] finds the rate: each connection sends its next request when it has the last one's
//! answer. Its latencies would flatter a server that stalls, because a stalled connection asks
//! nothing (coordinated omission). [`paced`] finds latencies: requests fall due at a constant rate
//! whatever the answers do, and each is timed from when it was due.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::report::Times;
use crate::target::Target;

/// Makes the next request; called once for each.
pub type Make = Arc<dyn Fn() -> Request<Full<Bytes>> + Send + Sync>;

/// How many times its duration a run may take until its last answer.
const PATIENCE: u32 = 4;

/// How many requests a second this many connections get answered.
pub async fn closed(target: &Target, connections: u32, duration: Duration) -> Result<f64> {
    let end = Instant::now() + duration;
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (mut sender, target) = (connect(target.address).await?, target.clone());
        tasks.spawn(async move {
            let mut count = 0_u64;
            while Instant::now() < end {
                exchange(&mut sender, target.request()).await?;
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    let counts = in_time(duration, tasks).await?;
    Ok(counts.iter().sum::<u64>() as f64 / duration.as_secs_f64())
}

/// How long answers take while requests fall due at this many a second.
pub async fn paced(
    target: &Target,
    connections: u32,
    rate: f64,
    duration: Duration,
) -> Result<Times> {
    let (mut tasks, mut bells) = (JoinSet::new(), Vec::new());
    for _ in 0..connections {
        let (bell, due) = unbounded_channel();
        bells.push(bell);
        tasks.spawn(answer(connect(target.address).await?, due, target.clone()));
    }
    let interval = Duration::from_secs_f64(1.0 / rate);
    thread::spawn(move || ring(&bells, interval, duration));
    let times = in_time(duration, tasks).await?;
    Ok(Times::new(times.concat()))
}

/// Announces requests as they fall due, to one connection after the other. A thread of its own: it
/// is woken more exactly than the timers of the connections' runtime.
fn ring(bells: &[UnboundedSender<Instant>], interval: Duration, duration: Duration) {
    let start = Instant::now();
    let count = (duration.as_secs_f64() / interval.as_secs_f64()) as u32;
    for (number, bell) in (0..count).zip(bells.iter().cycle()) {
        let due = start + interval * number;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if bell.send(due).is_err() {
            // The connection has failed, which its task reports.
            return;
        }
    }
}

/// Sends a connection's requests, each when it is due or as soon as the one before is answered.
async fn answer(
    mut sender: SendRequest<Full<Bytes>>,
    mut dues: UnboundedReceiver<Instant>,
    target: Target,
) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    let mut request = target.request();
    while let Some(due) = dues.recv().await {
        exchange(&mut sender, request).await?;
        times.push(due.elapsed());
        request = target.request();
    }
    Ok(times)
}

/// What all connections bring; an error if they take far longer than they should.
async fn in_time<T: 'static>(duration: Duration, tasks: JoinSet<Result<T>>) -> Result<Vec<T>> {
    let results = timeout(duration * PATIENCE, tasks.join_all()).await;
    results.context("the node does not keep up")?.into_iter().collect()
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await.context("connecting to the node")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// One request and its whole answer, which has to be a success.
async fn exchange(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<()> {
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
    Ok(())
}
