//! The listener: accepts, serves, and drains when told to stop.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use wasmtime_wasi_http::WasiBody;

use super::events::EventStreams;
use super::gather::gather_body;
use super::stage::Stage;
use crate::limits::Limits;

/// How long accepting pauses when the system is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Streams a client may open on one HTTP/2 connection.
const STREAMS_MAX: u32 = 256;
/// Headers of one request.
const HEADERS_MAX: usize = 100;

/// Where clients come in.
pub struct Listeners {
    /// Where the application is.
    pub main: TcpListener,
    /// Where browsers find the same application as another origin.
    pub content: Option<TcpListener>,
}

impl Listeners {
    async fn accept_any(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let Some(content) = &self.content else { return self.main.accept().await };
        tokio::select! {
            accepted = self.main.accept() => accepted,
            accepted = content.accept() => accepted,
        }
    }
}

/// Serves what is on `stage` on `listeners` until `stop` resolves, then ends streams of events and
/// lets requests in flight end, for at most `limits.drain_max`.
pub async fn serve_listeners(
    listeners: Listeners,
    stage: Arc<Stage>,
    limits: Arc<Limits>,
    stop: impl Future<Output = ()>,
) {
    let builder = Arc::new(connection_builder(&limits));
    let events = EventStreams::new(limits.event_streams_max);
    let front = Arc::new(Front { stage, events, limits: limits.clone() });
    let connections = Arc::new(Semaphore::new(limits.connections_max));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepting = async {
            let permit = connections.clone().acquire_owned().await;
            (permit, listeners.accept_any().await)
        };
        let (permit, accepted) = tokio::select! {
            accepted = accepting => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, client)) => {
                let served = serve_connection(&builder, &graceful, stream, client, front.clone());
                tokio::spawn(async move {
                    served.await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listeners);
    front.events.end_all();
    if tokio::time::timeout(limits.drain_max, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            "requests were still running after {:?}; they are cut off",
            limits.drain_max
        );
    }
}

fn connection_builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_max)
        .max_headers(HEADERS_MAX)
        .max_buf_size(limits.head_bytes_max);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX));
    builder
}

fn serve_connection(
    builder: &Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
    stream: TcpStream,
    client: SocketAddr,
    front: Arc<Front>,
) -> impl Future<Output = ()> + use<> {
    // A reply in two writes would otherwise wait 40 ms for the client's delayed ACK.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let front = front.clone();
        async move { Ok::<_, Infallible>(front.answer_request(request, client).await) }
    });
    let served = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let served = graceful.watch(served);
    async move {
        if let Err(error) = served.await {
            tracing::debug!(%client, "connection ended: {error}");
        }
    }
}

/// What all connections share.
struct Front {
    stage: Arc<Stage>,
    events: EventStreams,
    limits: Arc<Limits>,
}

impl Front {
    async fn answer_request(
        &self,
        request: Request<Incoming>,
        client: SocketAddr,
    ) -> Response<WasiBody> {
        let Limits { body_max, request_max, .. } = *self.limits;
        match gather_body(request, body_max.min(request_max)).await {
            Ok(request) => self
                .events
                .admit_response(self.stage.answer_request(request, client, request_max).await),
            Err(refusal) => refusal,
        }
    }
}
