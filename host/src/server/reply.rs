//! The host's own replies. They say what a client can do, never what went wrong inside.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use wasmtime_wasi_http::WasiBody;

use crate::runtime::failure::ServiceFailure;

/// A reply with a body of known length.
pub fn reply_with(
    status: StatusCode,
    content_type: &'static str,
    body: String,
) -> Response<WasiBody> {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A reply in plain text.
pub fn text_reply(status: StatusCode, body: &str) -> Response<WasiBody> {
    reply_with(status, "text/plain; charset=utf-8", format!("{body}\n"))
}

/// What a client gets when a component gave no response.
pub fn failure_reply(failure: ServiceFailure) -> Response<WasiBody> {
    match failure {
        ServiceFailure::Busy => {
            let mut response = text_reply(
                StatusCode::SERVICE_UNAVAILABLE,
                "The server is busy: try again shortly.",
            );
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        ServiceFailure::TimedOut => {
            text_reply(StatusCode::GATEWAY_TIMEOUT, "The request took too long.")
        }
        ServiceFailure::Failed => text_reply(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The server failed to answer: see its log.",
        ),
    }
}
