//! The load generator: HTTP/1.1 over connections kept alive.
//!
//! [`closed`] finds the rate: each connection sends its next request when it has the last one's answer.
//! Its latencies would flatter a server that stalls, because a stalled connection asks nothing
//! (coordinated omission). [`paced`] finds latencies: requests fall due at a constant rate, and one that
//! has to wait for its connection is timed from when it was due.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::report::Times;

/// Makes the next request; called once for each.
pub type Make = Arc<dyn Fn() -> Request<Full<Bytes>> + Send + Sync>;

/// How many requests a second this many connections get answered.
pub async fn closed(
    address: SocketAddr,
    connections: u32,
    duration: Duration,
    make: &Make,
) -> Result<f64> {
    let end = Instant::now() + duration;
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (mut sender, make) = (connect(address).await?, Arc::clone(make));
        tasks.spawn(async move {
            let mut count = 0_u64;
            while Instant::now() < end {
                exchange(&mut sender, make()).await?;
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    let mut count = 0;
    while let Some(done) = tasks.join_next().await {
        count += done??;
    }
    Ok(count as f64 / duration.as_secs_f64())
}

/// How long answers take while requests fall due at this many a second.
pub async fn paced(
    address: SocketAddr,
    connections: u32,
    rate: f64,
    duration: Duration,
    make: &Make,
) -> Result<Times> {
    let start = Instant::now();
    let interval = Duration::from_secs_f64(f64::from(connections) / rate);
    let mut tasks = JoinSet::new();
    for number in 0..connections {
        let (mut sender, make) = (connect(address).await?, Arc::clone(make));
        let first = start + interval.mul_f64(f64::from(number) / f64::from(connections));
        tasks.spawn(async move {
            let mut times = Vec::new();
            let mut due = first;
            while due < start + duration {
                let from = await_due(due).await;
                exchange(&mut sender, make()).await?;
                times.push(from.elapsed());
                due += interval;
            }
            anyhow::Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(done) = tasks.join_next().await {
        times.extend(done??);
    }
    Ok(Times::new(times))
}

/// Waits until a request is due; answers from when to time it. A connection that was still busy is
/// late, which counts; the coarseness of this program's own timer does not.
async fn await_due(due: Instant) -> Instant {
    if due <= Instant::now() {
        return due;
    }
    tokio::time::sleep_until(due.into()).await;
    Instant::now()
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
