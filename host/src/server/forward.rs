//! Requests passed on to the process that has the stores.
//!
//! Two processes are sent requests while one replaces the other. The one that stands by passes its
//! share on, so that nobody waits for the other's end.

use std::net::SocketAddr;
use std::time::Duration;

use http::header::HOST;
use http::{HeaderValue, Request, Response, Uri, Version};
use http_body_util::BodyExt;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, WasiBody};

use super::reply;
use crate::lock::Holder;
use crate::runtime::failure::ServiceFailure;

/// How long it may take to reach the other: it is on the same machine.
const CONNECT_MAX: Duration = Duration::from_millis(200);

/// What became of a request.
pub enum Forwarded {
    /// It was answered, or may have been worked on.
    Answered(Response<WasiBody>),
    /// Nobody has got it.
    Not(Request<WasiBody>),
}

/// Passes a request on.
pub async fn forward_request(holder: &Holder, request: Request<WasiBody>) -> Forwarded {
    let Some(address) = holder.address else { return Forwarded::Not(request) };
    let connecting = timeout(CONNECT_MAX, connect_holder(address)).await;
    let Some(mut sender) = connecting.ok().flatten() else { return Forwarded::Not(request) };
    match sender.send_request(to_http1(request)).await {
        Ok(response) => Forwarded::Answered(received_response(response)),
        // Cut off in the middle: the client knows whether it may ask again.
        Err(error) => {
            tracing::debug!("not answered by {address}: {error}");
            Forwarded::Answered(reply::failure_reply(ServiceFailure::Busy))
        }
    }
}

async fn connect_holder(address: SocketAddr) -> Option<SendRequest<WasiBody>> {
    let stream = TcpStream::connect(address).await.ok()?;
    let _ = stream.set_nodelay(true);
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    Some(sender)
}

/// The request as HTTP/1.1 has it: a path, and the name of the host in a header.
fn to_http1(mut request: Request<WasiBody>) -> Request<WasiBody> {
    let host = request.uri().authority().map(|host| HeaderValue::from_str(host.as_str()));
    if let Some(Ok(host)) = host {
        request.headers_mut().entry(HOST).or_insert(host);
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    if let Ok(path) = path.parse::<Uri>() {
        *request.uri_mut() = path;
    }
    *request.version_mut() = Version::HTTP_11;
    request
}

fn received_response(response: Response<hyper::body::Incoming>) -> Response<WasiBody> {
    let mut response = response.map(|body| body.map_err(Error::from).boxed_unsync());
    // What the other says of its connection is between it and this process.
    response.headers_mut().remove(http::header::CONNECTION);
    response
}
