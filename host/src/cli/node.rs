//! A running node, as commands reach it.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clap::Args;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::Value;

use crate::client::http_client;

const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Which node, and who asks.
#[derive(Debug, Args)]
pub struct Node {
    /// The node's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000", env = "HEDGE_URL")]
    url: String,
    /// An administrator's name and password, or an xAPI client's key and secret
    #[arg(
        long,
        value_name = "NAME:PASSWORD",
        env = "HEDGE_USER",
        hide_env_values = true,
        value_parser = parse_user
    )]
    user: String,
}

fn parse_user(text: &str) -> Result<String> {
    anyhow::ensure!(text.contains(':'), "expected a name and a password with a colon between them");
    Ok(text.to_owned())
}

impl Node {
    /// The node's address, without a slash at its end.
    pub fn url(&self) -> &str {
        self.url.trim_end_matches('/')
    }

    /// Sends a request with JSON, and reads the JSON of the answer.
    ///
    /// # Errors
    /// As [`Node::call`].
    pub fn call_json(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        self.call(method, path, Some(("application/json", serde_json::to_vec(body)?)))
    }

    /// Sends a request, with a body of a media type if there is one, and reads the JSON of the answer.
    ///
    /// # Errors
    /// When no node answers, or it refuses; then the error is what it says.
    pub fn call(&self, method: Method, path: &str, body: Option<(&str, Vec<u8>)>) -> Result<Value> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (status, answer) =
            runtime.block_on(self.exchange(self.request(method, path, body)?))?;
        let json: Option<Value> = serde_json::from_slice(&answer).ok();
        if status.is_success() {
            return json.with_context(|| format!("{} did not answer JSON", self.url));
        }
        if status == StatusCode::UNAUTHORIZED {
            bail!("{} does not know this name and password: check --user", self.url);
        }
        let detail = json.as_ref().and_then(|json| json.get("detail")).and_then(Value::as_str);
        bail!("{} refused ({status}): {}", self.url, detail.unwrap_or("it did not say why"))
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url()))
            .header("authorization", format!("Basic {}", STANDARD.encode(&self.user)));
        if let Some((media_type, _)) = body {
            request = request.header("content-type", media_type);
        }
        let bytes = body.map_or_else(Bytes::new, |(_, bytes)| bytes.into());
        request.body(Full::new(bytes)).with_context(|| format!("--url {}", self.url))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes)> {
        let sent = http_client(CONNECT_MAX, false)?.request(request).await;
        let unreachable = |error: hyper_util::client::legacy::Error| {
            let hint = if error.is_connect() { "; is the node running (`hedge up`)?" } else { "" };
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            anyhow!("{}: {}{hint}", self.url, cause.unwrap_or_else(|| error.to_string()))
        };
        let response = sent.map_err(unreachable)?;
        Ok((response.status(), response.into_body().collect().await?.to_bytes()))
    }
}
