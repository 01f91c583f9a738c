use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use ureq::{Agent, Body};

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest response that is read.
const RESPONSE_BYTES_MAX: u64 = 256 << 20;

/// The address of a resource with parameters.
pub fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    format!("{path}?{}", query.finish())
}

/// HTTP to one node, with the same headers on every request.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    base: String,
    headers: Vec<(String, String)>,
}

impl Client {
    /// A client of the node at this address, `http://host:port`.
    pub fn new(base: &str) -> Self {
        Self { agent: agent(TIMEOUT), base: base.to_owned(), headers: Vec::new() }
    }

    /// Gives every request this long.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.agent = agent(timeout);
        self
    }

    /// Adds a header to every request.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Signs every request with Basic credentials, `name:secret`.
    pub fn with_basic(self, credentials: &str) -> Self {
        self.with_header("authorization", &format!("Basic {}", STANDARD.encode(credentials)))
    }

    /// GET.
    pub fn get(&self, path: &str) -> Result<Response> {
        self.send(Method::GET, path, None)
    }

    /// HEAD.
    pub fn head(&self, path: &str) -> Result<Response> {
        self.send(Method::HEAD, path, None)
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> Result<Response> {
        self.send(Method::DELETE, path, None)
    }

    /// POST of JSON.
    pub fn post(&self, path: &str, body: &Value) -> Result<Response> {
        self.send(Method::POST, path, Some(("application/json", body.to_string().as_bytes())))
    }

    /// PUT of JSON.
    pub fn put(&self, path: &str, body: &Value) -> Result<Response> {
        self.send(Method::PUT, path, Some(("application/json", body.to_string().as_bytes())))
    }

    /// The cookie of somebody who signs in by the portal's form, `name:password`.
    pub fn sign_in(&self, credentials: &str) -> Result<String> {
        let (name, password) = credentials.split_once(':').context("no colon")?;
        let form = address("", &[("name", name), ("password", password), ("next", "/")]);
        let form = form.trim_start_matches('?').as_bytes();
        let form = Some(("application/x-www-form-urlencoded", form));
        let answer = self.send(Method::POST, "/auth/sign-in", form)?.expect(303)?;
        let cookie = answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
        ensure!(!cookie.is_empty(), "{name} is not let in");
        Ok(cookie)
    }

    /// Any request; a body comes with its media type.
    pub fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, &[u8])>,
    ) -> Result<Response> {
        let what = format!("{method} {}{path}", self.base);
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = match body {
            None => self.agent.run(request.body(())?),
            Some((media_type, bytes)) => {
                self.agent.run(request.header("content-type", media_type).body(bytes)?)
            }
        };
        Response::read(response.with_context(|| what.clone())?).with_context(|| what)
    }
}

fn agent(timeout: Duration) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(timeout));
    config.build().into()
}

/// A response, read to its end.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    fn read(response: http::Response<Body>) -> Result<Self> {
        let (head, mut body) = response.into_parts();
        let body = body.with_config().limit(RESPONSE_BYTES_MAX).read_to_vec()?;
        Ok(Self { status: head.status, headers: head.headers, body })
    }

    /// The response, if it has this status; else an error that shows what it says.
    pub fn expect(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "expected {status}, got {}: {}", self.status, self.text());
        Ok(self)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("no JSON: {}", self.text()))
    }

    /// What a problem (RFC 9457) says was wrong.
    pub fn detail(&self) -> Result<String> {
        let media_type = self.header("content-type");
        ensure!(media_type == "application/problem+json", "{media_type}: {}", self.text());
        let problem = self.json()?;
        let detail = problem.get("detail").and_then(Value::as_str);
        Ok(detail.with_context(|| format!("no detail: {problem}"))?.to_owned())
    }

    /// A header's value; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
