//! An HTTP client for the host's own use and for guests: pooled connections, TLS by rustls with
//! the Mozilla roots built in.

use std::time::Duration;

use bytes::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// A client for bodies of type `B`. Cheap to clone; clones share the pool.
pub type HttpClient<B> = Client<HttpsConnector<HttpConnector>, B>;

/// Idle connections kept to one host.
const IDLE_PER_HOST_MAX: usize = 32;
/// How long an idle connection is kept.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Builds a client. `connect_max` bounds name resolution and TCP; without `pooling` every request
/// has a connection of its own.
///
/// # Errors
/// When the TLS library was built without the protocol versions it needs.
pub fn http_client<B>(connect_max: Duration, pooling: bool) -> anyhow::Result<HttpClient<B>>
where
    B: http_body::Body<Data = Bytes> + Send,
{
    let mut tcp = HttpConnector::new();
    tcp.set_connect_timeout(Some(connect_max));
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())?
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(if pooling { IDLE_PER_HOST_MAX } else { 0 })
        .build(connector);
    Ok(client)
}
