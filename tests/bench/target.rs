//! Requests to a node.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hedgeschool_tests::{Client, Node, course};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use http_body_util::Full;
use rand::RngExt;
use rand::seq::IndexedRandom;
use serde_json::Value;

use crate::load::Make;
use crate::traffic::{Traffic, fresh};

/// A file that is fetched.
#[derive(Clone, Copy)]
pub struct Sample {
    /// Its size, as one says it.
    pub size: &'static str,
    /// Its name.
    pub name: &'static str,
    bytes: usize,
}

/// What a page is made of: most of its files are no larger.
pub const SMALL: Sample = Sample { size: "16 KB", name: "index.html", bytes: 16 << 10 };
/// A picture or a piece of a film.
pub const LARGE: Sample = Sample { size: "1 MB", name: "large.html", bytes: 1 << 20 };

impl Sample {
    /// What is in it.
    pub fn content(self) -> Vec<u8> {
        b"hedge ".iter().copied().cycle().take(self.bytes).collect()
    }
}

/// What answers, and what it is asked.
#[derive(Clone)]
pub struct Target {
    /// Where the node listens.
    pub address: SocketAddr,
    make: Make,
}

impl Target {
    /// A node, asked nothing yet.
    pub fn of(node: &Node) -> Self {
        Self::at(node.port())
    }

    /// Whatever listens on this port, asked nothing yet.
    pub fn at(port: u16) -> Self {
        Self::at_address(SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// Whatever listens at this address, asked nothing yet.
    pub fn at_address(address: SocketAddr) -> Self {
        Self { address, make: Arc::new(|| Request::new(Full::default())) }
    }

    /// The next request.
    pub fn request(&self) -> Request<Full<Bytes>> {
        (self.make)()
    }

    /// `POST /xapi/statements` of fresh statements, so many at a time.
    pub fn post(&self, traffic: Traffic, batch: u64) -> Result<Self> {
        let (headers, next) = (self.headers()?, AtomicU64::new(fresh()));
        Ok(self.asked(move || {
            let first = next.fetch_add(batch, Ordering::Relaxed);
            let body = match batch {
                1 => traffic.statement(first),
                _ => traffic.batch(first, batch),
            };
            let mut request = Request::new(Full::new(Bytes::from(body)));
            *request.method_mut() = Method::POST;
            *request.uri_mut() = Uri::from_static("/xapi/statements");
            *request.headers_mut() = headers.clone();
            request
        }))
    }

    /// `GET` of one of these addresses, any.
    pub fn get(&self, addresses: &[String]) -> Result<Self> {
        let parsed: Result<Vec<Uri>, _> = addresses.iter().map(|address| address.parse()).collect();
        let (headers, addresses) = (self.headers()?, parsed?);
        Ok(self.asked(move || {
            let mut request = Request::new(Full::default());
            *request.uri_mut() = addresses.choose(&mut rand::rng()).cloned().unwrap_or_default();
            *request.headers_mut() = headers.clone();
            request
        }))
    }

    /// `GET` of this sample as a file of a public course that is imported first.
    pub fn import_file(node: &Node, sample: Sample) -> Result<Self> {
        let address = node.content_address();
        let (_, port) = address.rsplit_once(':').context("no port")?;
        Self::at(port.parse()?).import_file_as(&node.admin(), sample)
    }

    /// The same, imported by this client.
    pub fn import_file_as(&self, admin: &Client, sample: Sample) -> Result<Self> {
        let structure = course::structure("https://example.org/bench", "Bench");
        let [small, large] = [SMALL, LARGE].map(|sample| (sample.name, sample.content()));
        let zip = course::archive(&[
            ("cmi5.xml", structure.as_bytes()),
            (small.0, &small.1),
            (large.0, &large.1),
        ])?;
        let body = Some(("application/zip", zip.as_slice()));
        let imported = admin.send(Method::POST, "/content/v1/courses?public=true", body)?;
        // The other sample may have brought it.
        let is_here = imported.status == 200;
        let package = imported.expect(if is_here { 200 } else { 201 })?.json()?;
        let package = package.get("package").and_then(Value::as_str).context("no package")?;
        self.get(&[format!("/content/p/{package}/{}", sample.name)])
    }

    /// The portal's first page as somebody with this cookie sees it.
    pub fn page(&self, cookie: &str) -> Result<Self> {
        let mut headers = self.headers()?;
        headers.remove(header::AUTHORIZATION);
        headers.insert(header::COOKIE, cookie.parse()?);
        Ok(self.asked(move || {
            let mut request = Request::new(Full::default());
            *request.headers_mut() = headers.clone();
            request
        }))
    }

    /// One of these, each with the share of requests, in percent, that it is to have.
    pub fn mixed(&self, parts: Vec<(u32, Self)>) -> Self {
        let all: u32 = parts.iter().map(|(share, _)| share).sum();
        self.asked(move || {
            let mut ticket = rand::rng().random_range(0..all.max(1));
            for (share, part) in &parts {
                match ticket.checked_sub(*share) {
                    Some(rest) => ticket = rest,
                    None => return part.request(),
                }
            }
            Request::new(Full::default())
        })
    }

    /// Whatever `make` makes.
    pub fn asked(&self, make: impl Fn() -> Request<Full<Bytes>> + Send + Sync + 'static) -> Self {
        Self { address: self.address, make: Arc::new(make) }
    }

    fn headers(&self) -> Result<HeaderMap> {
        let authorization = format!("Basic {}", STANDARD.encode(Node::CLIENT));
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, self.address.to_string().parse()?);
        headers.insert(header::AUTHORIZATION, authorization.parse()?);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("x-experience-api-version", HeaderValue::from_static("1.0.3"));
        Ok(headers)
    }
}
