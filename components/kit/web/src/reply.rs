use bytes::Bytes;
use serde::Serialize;
use spin_sdk::http::{FullBody, IntoResponse};
use spin_sdk::wasip3::http::types;
use spin_sdk::wasip3::wit_bindgen::StreamReader;
use spin_sdk::wasip3::wit_future;

use crate::{HeaderMap, HeaderValue, Problem, StatusCode};

/// A response whose length is known before its first byte is sent.
///
/// Hosts send a body of unknown length in chunks; under Spin that costs 40 ms a reply (Nagle's
/// algorithm against delayed acknowledgement). So there is no way to make a reply without a
/// `content-length`, but for one that waits for what it will say ([`Reply::later`],
/// [`Reply::events`]).
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
}

enum Body {
    Whole(Bytes),
    /// Bytes as a store produces them, handed to the host as they are.
    Stream(StreamReader<u8>),
}

impl Reply {
    /// A reply with a body in memory.
    pub fn new(status: StatusCode, media_type: &str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let length = body.len() as u64;
        let reply = Self { status, headers: HeaderMap::new(), body: Body::Whole(body) };
        reply.with_header("content-type", media_type).with_length(length)
    }

    /// 200 with a value as JSON.
    ///
    /// # Errors
    /// 500 if the value cannot be written as JSON.
    pub fn json(value: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(value).map_err(Problem::internal)?;
        Ok(Self::new(StatusCode::OK, "application/json", body))
    }

    /// A page.
    pub fn html(status: StatusCode, page: String) -> Self {
        Self::new(status, "text/html; charset=utf-8", page)
    }

    /// A status without a body.
    pub fn empty(status: StatusCode) -> Self {
        let reply = Self { status, headers: HeaderMap::new(), body: Body::Whole(Bytes::new()) };
        let bodiless = status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED;
        if bodiless { reply } else { reply.with_length(0) }
    }

    /// 303: the answer to a form is another page.
    pub fn see_other(location: &str) -> Self {
        Self::empty(StatusCode::SEE_OTHER).with_header("location", location)
    }

    /// A reply of `length` bytes that are still being produced.
    pub fn stream(status: StatusCode, length: u64, body: StreamReader<u8>) -> Self {
        let reply = Self { status, headers: HeaderMap::new(), body: Body::Stream(body) };
        reply.with_length(length)
    }

    /// 200, with a body that comes when there is something to say. Who waits with its body instead
    /// of its head takes nobody's place: hosts limit requests without a head, and how long these
    /// may take.
    pub fn later(media_type: &str, body: StreamReader<u8>) -> Self {
        let reply =
            Self { status: StatusCode::OK, headers: HeaderMap::new(), body: Body::Stream(body) };
        reply.with_header("content-type", media_type).with_header("cache-control", "no-store")
    }

    /// A reply of server-sent events, which are still to happen. Nobody on the way may keep them,
    /// or keep them back.
    pub fn events(body: StreamReader<u8>) -> Self {
        Self::later("text/event-stream", body).with_header("x-accel-buffering", "no")
    }

    /// Sets a header; a value that is not legal in a header is left out.
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Sets another status.
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The reply as `HEAD` gets it: same headers, no body.
    pub fn without_body(self) -> Self {
        Self { body: Body::Whole(Bytes::new()), ..self }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    fn with_length(mut self, length: u64) -> Self {
        self.headers.insert("content-length", HeaderValue::from(length));
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> spin_sdk::http::Result<types::Response, types::ErrorCode> {
        match self.body {
            Body::Whole(bytes) => {
                let mut response = spin_sdk::http::Response::new(FullBody::new(bytes));
                *response.status_mut() = self.status;
                *response.headers_mut() = self.headers;
                response.into_response()
            }
            Body::Stream(stream) => stream_response(self.status, &self.headers, stream),
        }
    }
}

fn stream_response(
    status: StatusCode,
    headers: &HeaderMap,
    stream: StreamReader<u8>,
) -> Result<types::Response, types::ErrorCode> {
    let internal = |reason: String| types::ErrorCode::InternalError(Some(reason));
    let fields: Vec<_> =
        headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    let fields = types::Headers::from_list(&fields).map_err(|error| internal(error.to_string()))?;
    let (trailers, no_trailers) = wit_future::new(|| Ok(None));
    drop(trailers);
    let (response, _sent) = types::Response::new(fields, Some(stream), no_trailers);
    let code = response.set_status_code(status.as_u16());
    code.map_err(|()| internal("status code".to_owned()))?;
    Ok(response)
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Self {
        problem.log();
        let reply = Self::new(problem.status, Problem::MEDIA_TYPE, problem.body());
        problem
            .headers
            .into_iter()
            .fold(reply, |reply, (name, value)| reply.with_header(name, &value))
    }
}

/// What a service's handler returns to the host.
pub fn answer(outcome: Result<Reply, Problem>) -> Reply {
    outcome.unwrap_or_else(Reply::from)
}
