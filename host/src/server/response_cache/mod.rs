//! Responses that the host gives by itself, where a component has said that it may (ADR 24).
//!
//! A file of a course is the same each time, and what it costs is the way to a component and back.
//! So a component can vouch for a part of its addresses, by a header of any response there:
//!
//! ```text
//! Hedge-Cache-Control: max-age=30, prefix="/content/f/GRANT/PACKAGE/", key="f/PACKAGE"
//! ```
//!
//! For so many seconds, whoever asks for what is below this prefix may be given what somebody got
//! for the same path below any prefix of that key; queries play no part. `Vary` does.

mod permission;
mod stored;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::header::{
    CONTENT_LENGTH, IF_MATCH, IF_MODIFIED_SINCE, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE, SET_COOKIE,
};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use wasmtime_wasi_http::WasiBody;

use self::permission::Permission;
use self::stored::{Slot, StoredResponse, append_varying};
use super::reply;
use crate::runtime::failure::ServiceFailure;

/// The header by which a component says what it vouches for: a targeted field (RFC 9213).
pub const CONTROL: &str = "hedge-cache-control";
/// Larger bodies are never kept, in bytes.
const BODY_BYTES_MAX: u64 = 2 << 20;
/// How long a response is kept. A key stands for what never changes; this frees what nobody asks
/// for.
const STORED_MAX: Duration = Duration::from_secs(600);
/// How many prefixes are known at one time: some hundred bytes each.
const PREFIXES_MAX: usize = 8_192;
/// The most slashes that a prefix has.
const PREFIX_DEPTH_MAX: usize = 8;
/// Parts of the cache that are locked by themselves, each with its share of the memory.
const SHARDS: usize = 8;
/// Counted for a response beside its body and its address, in bytes.
const STORED_BYTES: u64 = 1_024;
/// What a request says that only its component can judge.
const CONDITIONS: [http::HeaderName; 5] =
    [RANGE, IF_RANGE, IF_MATCH, IF_UNMODIFIED_SINCE, IF_MODIFIED_SINCE];

/// What was vouched for, and what was answered there.
pub struct ResponseCache {
    /// By component, authority and prefix.
    permissions: Cache<String, Permitted>,
    /// By component, authority, key and the rest of the path; those that vary, also by what they
    /// vary by.
    responses: Cache<String, Slot, Bytes>,
    hits: AtomicU64,
    kept: AtomicU64,
}

/// What a cache has done, and holds.
pub struct CacheUsage {
    /// Requests that it answered.
    pub hits: u64,
    /// Responses that it took in.
    pub kept: u64,
    /// How much it holds.
    pub bytes: u64,
}

/// What is known of a prefix.
#[derive(Clone)]
struct Permitted {
    key: Arc<str>,
    until: Instant,
}

/// What is left to know of a request once a component has it.
pub struct Question {
    is_head: bool,
    /// The component, the authority and the path: no component vouches for another.
    address: String,
    /// Where the path begins.
    path_at: usize,
    headers: HeaderMap,
}

/// What the cache makes of a request.
pub enum CacheLookup {
    /// This is the response.
    Response(Response<WasiBody>),
    /// A component has to answer; what it says may be kept if there is a question.
    Nothing(Option<Question>),
}

#[derive(Clone)]
struct Bytes;

impl Weighter<String, Slot> for Bytes {
    fn weight(&self, address: &String, slot: &Slot) -> u64 {
        STORED_BYTES + address.len() as u64 + slot.body_bytes()
    }
}

impl ResponseCache {
    /// Keeps responses of at most so many bytes. None: of no bytes at all.
    pub fn new(bytes_max: u64) -> Option<Self> {
        let items = usize::try_from(bytes_max / (16 << 10)).unwrap_or(usize::MAX).max(SHARDS);
        let mut options = OptionsBuilder::new();
        options.shards(SHARDS).estimated_items_capacity(items).weight_capacity(bytes_max);
        let options = options.build().ok().filter(|_| bytes_max > 0)?;
        let (hasher, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
        let responses = Cache::with_options(options, Bytes, hasher, lifecycle);
        let (hits, kept) = (AtomicU64::new(0), AtomicU64::new(0));
        Some(Self { permissions: Cache::new(PREFIXES_MAX), responses, hits, kept })
    }

    /// How it is used.
    pub fn read_usage(&self) -> CacheUsage {
        CacheUsage {
            hits: self.hits.load(Ordering::Relaxed),
            kept: self.kept.load(Ordering::Relaxed),
            bytes: self.responses.weight(),
        }
    }

    /// The response to a request with an absolute target, which this component is to answer, if it
    /// is here.
    pub fn find_response(&self, component: &str, request: &Request<WasiBody>) -> CacheLookup {
        let is_head = request.method() == Method::HEAD;
        if !is_head && request.method() != Method::GET {
            return CacheLookup::Nothing(None);
        }
        let authority = request.uri().authority().map_or("", |authority| authority.as_str());
        let mut address = format!("{component} {authority}");
        let path_at = address.len();
        address.push_str(request.uri().path());
        let headers = request.headers();
        let stored = match CONDITIONS.iter().any(|condition| headers.contains_key(condition)) {
            true => None,
            false => self
                .storage_key(&address, path_at)
                .and_then(|entry| self.find_stored(entry, headers)),
        };
        match stored {
            Some(stored) => {
                self.hits.fetch_add(1, Ordering::Relaxed);
                CacheLookup::Response(stored.to_hit(is_head, headers))
            }
            None => {
                let headers = headers.clone();
                CacheLookup::Nothing(Some(Question { is_head, address, path_at, headers }))
            }
        }
    }

    /// What a component answered, kept if it said so; what it said of that is for the host alone.
    pub async fn keep_response(
        &self,
        question: Question,
        mut response: Response<WasiBody>,
    ) -> Response<WasiBody> {
        let Some(permission) = response.headers_mut().remove(CONTROL) else { return response };
        let permission = match Permission::parse(&permission) {
            Ok(permission) if question.path().starts_with(&permission.prefix) => permission,
            Ok(_) => {
                tracing::warn!("{CONTROL}: the prefix is not of {}", question.path());
                return response;
            }
            Err(error) => {
                tracing::warn!("{CONTROL}: {error}: {permission:?}");
                return response;
            }
        };
        let Permission { prefix, key, max_age } = permission;
        let prefix = format!("{}{prefix}", question.scope());
        let permitted = Permitted { key: key.into(), until: Instant::now() + max_age };
        self.permissions.insert(prefix, permitted);
        if !may_be_stored(&question, &response) {
            return response;
        }
        let (head, body) = response.into_parts();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => {
                tracing::error!("{} broke off: {error}", question.path());
                return reply::failure_reply(ServiceFailure::Failed);
            }
        };
        let stored = StoredResponse::new(head.headers, body);
        let response = stored.to_response(false, &HeaderMap::new());
        self.store_response(&question, stored);
        response
    }

    /// Under what a response at this address is kept.
    fn storage_key(&self, address: &str, path_at: usize) -> Option<String> {
        let slashes = address.bytes().enumerate().skip(path_at).filter(|(_, byte)| *byte == b'/');
        // The longest first: the others are looked for in vain.
        let ends: Vec<_> = slashes.take(PREFIX_DEPTH_MAX).map(|(at, _)| at + 1).collect();
        for end in ends.into_iter().rev() {
            let (prefix, rest) = address.split_at_checked(end)?;
            let Some(permitted) = self.permissions.get(prefix) else { continue };
            if permitted.until > Instant::now() {
                let scope = address.get(..path_at).unwrap_or_default();
                return Some(format!("{scope} {} {rest}", permitted.key));
            }
            self.permissions.remove(prefix);
        }
        None
    }

    fn find_stored(&self, mut entry: String, headers: &HeaderMap) -> Option<StoredResponse> {
        let stored = match self.responses.get(&entry)? {
            Slot::Stored(stored) => stored,
            Slot::Varies(names) => {
                append_varying(&mut entry, &names, headers);
                match self.responses.get(&entry)? {
                    Slot::Stored(stored) => stored,
                    Slot::Varies(_) => return None,
                }
            }
        };
        if stored.age() < STORED_MAX {
            return Some(stored);
        }
        self.responses.remove(&entry);
        None
    }

    fn store_response(&self, question: &Question, stored: StoredResponse) {
        let Some(mut entry) = self.storage_key(&question.address, question.path_at) else { return };
        let Some(names) = stored.varies_by() else { return };
        if !names.is_empty() {
            self.responses.insert(entry.clone(), Slot::Varies(names.clone().into()));
            append_varying(&mut entry, &names, &question.headers);
        }
        self.responses.insert(entry, Slot::Stored(stored));
        self.kept.fetch_add(1, Ordering::Relaxed);
    }
}

impl Question {
    fn scope(&self) -> &str {
        self.address.get(..self.path_at).unwrap_or_default()
    }

    fn path(&self) -> &str {
        self.address.get(self.path_at..).unwrap_or_default()
    }
}

/// Whether a response is whole, for everybody, and not too large.
fn may_be_stored(question: &Question, response: &Response<WasiBody>) -> bool {
    let headers = response.headers();
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    !question.is_head
        && response.status() == StatusCode::OK
        && !headers.contains_key(SET_COOKIE)
        && length.is_some_and(|length: u64| length <= BODY_BYTES_MAX)
}

#[cfg(test)]
mod tests;
