//! A response that is kept, and what it is given to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use headers::{ETag, HeaderMapExt, IfNoneMatch};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use wasmtime_wasi_http::WasiBody;

/// Says that the host answered (RFC 9211).
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const HIT: HeaderValue = HeaderValue::from_static("hedge; hit");

/// What is at an address.
#[derive(Clone)]
pub enum Slot {
    /// Which headers of a request decide what is there.
    Varies(Arc<[HeaderName]>),
    /// This.
    Stored(StoredResponse),
}

impl Slot {
    /// How many bytes it holds.
    pub fn body_bytes(&self) -> u64 {
        match self {
            Self::Varies(_) => 0,
            Self::Stored(stored) => stored.0.body.len() as u64,
        }
    }
}

/// A response of status 200, shared.
#[derive(Clone)]
pub struct StoredResponse(Arc<StoredParts>);

struct StoredParts {
    headers: HeaderMap,
    tag: Option<ETag>,
    body: Bytes,
    since: Instant,
}

impl StoredResponse {
    /// One that came just now.
    pub fn new(headers: HeaderMap, body: Bytes) -> Self {
        let (tag, since) = (headers.typed_get(), Instant::now());
        Self(Arc::new(StoredParts { headers, tag, body, since }))
    }

    /// How long it has been here.
    pub fn age(&self) -> Duration {
        self.0.since.elapsed()
    }

    /// What of a request decides that it is the answer. None: more than its headers.
    pub fn varies_by(&self) -> Option<Vec<HeaderName>> {
        let named = self.0.headers.get_all(VARY).iter();
        let named = named.map(|value| value.to_str()).collect::<Result<Vec<_>, _>>().ok()?;
        let names = named.iter().flat_map(|names| names.split(',')).map(str::trim);
        names.filter(|name| !name.is_empty()).map(parse_name).collect()
    }

    /// What somebody gets who asks with these headers: nothing new, if that one has it.
    pub fn to_response(&self, is_head: bool, asked: &HeaderMap) -> Response<WasiBody> {
        let StoredParts { headers, tag, body, .. } = self.0.as_ref();
        let mut headers = headers.clone();
        let known: Option<IfNoneMatch> = asked.typed_get();
        let is_known =
            known.zip(tag.as_ref()).is_some_and(|(known, tag)| !known.precondition_passes(tag));
        let status = if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        if is_known {
            for name in [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE] {
                headers.remove(name);
            }
        }
        let body = if is_known || is_head { Bytes::new() } else { body.clone() };
        let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    /// The same, marked as the host's own.
    pub fn to_hit(&self, is_head: bool, asked: &HeaderMap) -> Response<WasiBody> {
        let mut response = self.to_response(is_head, asked);
        response.headers_mut().insert(CACHE_STATUS, HIT);
        response
    }
}

/// A header's name; `*` is none.
fn parse_name(name: &str) -> Option<HeaderName> {
    if name == "*" { None } else { name.parse().ok() }
}

/// Adds to an address what a request has in these headers.
pub fn append_varying(place: &mut String, names: &[HeaderName], headers: &HeaderMap) {
    for name in names {
        place.push('\n');
        for value in headers.get_all(name) {
            place.push('=');
            place.push_str(&String::from_utf8_lossy(value.as_bytes()));
        }
    }
}
