//! Where Prometheus asks: an address of its own, which is not for those whom the node serves.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use wasmtime_wasi_http::WasiBody;

use super::{MEDIA_TYPE, Metrics};
use crate::inside;
use crate::limits::Limits;
use crate::server::{Directory, reply};

/// Connections at one time: of Prometheus, its replica, and somebody who looks.
const CONNECTIONS_MAX: usize = 8;
/// The component that knows how the node stands with others, and what it is asked.
const COMPONENT: &str = "sync";
const PATH: &str = "/metrics";
/// How OpenMetrics text ends.
const END: &str = "# EOF\n";

/// Answers `GET /metrics` on a listener, for as long as it is polled.
pub async fn serve_metrics(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    directory: Directory,
    limits: Arc<Limits>,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let place = room.clone().acquire_owned().await;
        let Ok((stream, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let (metrics, directory) = (metrics.clone(), directory.clone());
        let service = service_fn(move |request| {
            let (metrics, directory) = (metrics.clone(), directory.clone());
            async move { Ok::<_, Infallible>(answer_request(&request, &metrics, &directory).await) }
        });
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(limits.head_max);
        let served = server.serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::debug!("a connection for metrics ended: {error}");
            }
            drop(place);
        });
    }
}

async fn answer_request(
    request: &Request<Incoming>,
    metrics: &Metrics,
    directory: &Directory,
) -> Response<WasiBody> {
    let is_get = request.method() == Method::GET || request.method() == Method::HEAD;
    if !is_get || request.uri().path() != PATH {
        return reply::text_reply(StatusCode::NOT_FOUND, "Metrics are at /metrics.");
    }
    let Ok(own) = metrics.encode_text() else {
        return reply::text_reply(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The figures cannot be written.",
        );
    };
    let stores =
        inside::post_to(directory, COMPONENT, PATH, Bytes::new()).await.unwrap_or_else(|error| {
            tracing::debug!("no figures of component {COMPONENT}: {error:#}");
            Default::default()
        });
    let text = join_texts(&own, &String::from_utf8_lossy(&stores));
    reply::reply_with(StatusCode::OK, MEDIA_TYPE, text)
}

/// Two texts as one, which ends once.
fn join_texts(own: &str, other: &str) -> String {
    let own = own.strip_suffix(END).unwrap_or(own);
    if other.is_empty() { format!("{own}{END}") } else { format!("{own}{other}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_end() {
        assert_eq!(join_texts("a 1\n# EOF\n", "b 2\n# EOF\n"), "a 1\nb 2\n# EOF\n");
        assert_eq!(join_texts("a 1\n# EOF\n", ""), "a 1\n# EOF\n");
    }
}
