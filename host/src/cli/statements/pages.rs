//! The pages of a query, one after the other, over a link that may break.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, sleep, timeout};

use super::filter::Filter;
use super::progress::ExportProgress;
use crate::cli::node::{Node, NodeFailure};
use crate::client::HttpClient;

const STATEMENTS: &str = "/xapi/statements";
/// The version of xAPI that is spoken.
const VERSION: HeaderValue = HeaderValue::from_static("2.0.0");
/// Statements of a page. A node ends pages earlier that become too large.
const PAGE: &str = "1000";
/// The largest page that is read.
const PAGE_BYTES_MAX: usize = 64 << 20;
/// How long the node may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// The pause before the first new attempt; each doubles it.
const PAUSE_MIN: Duration = Duration::from_millis(500);
/// The longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The pages of a query, oldest statement first.
pub struct Pages<'a> {
    node: &'a Node,
    client: HttpClient<Full<Bytes>>,
    progress: &'a ExportProgress,
    retry_for: Duration,
    /// The address of the next page. None: there was no more.
    next: Option<String>,
    /// Whether a page was read: there is a node then, even if it does not answer now.
    has_begun: bool,
}

/// A statement result (xAPI 1.0.3, part two, 2.5).
#[derive(Deserialize)]
struct StatementPage {
    statements: Vec<Box<RawValue>>,
    /// The address of the next page on the same host; empty if this is the last.
    #[serde(default)]
    more: String,
}

impl<'a> Pages<'a> {
    /// The pages of the statements that match.
    ///
    /// # Errors
    /// When there can be no client.
    pub fn new(
        node: &'a Node,
        filter: &Filter,
        retry_for: Duration,
        progress: &'a ExportProgress,
    ) -> Result<Self> {
        let mut query = form_urlencoded::Serializer::new(format!("{STATEMENTS}?"));
        query.append_pair("ascending", "true").append_pair("limit", PAGE);
        let next = Some(query.extend_pairs(filter.query_parameters()).finish());
        Ok(Self { node, client: node.new_client()?, progress, retry_for, next, has_begun: false })
    }

    /// The next page. None: there is no more. What fails for the moment is tried again.
    ///
    /// # Errors
    /// When there is no node, it refuses or answers something else, or goes on failing.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Box<RawValue>>>> {
        let Some(path) = self.next.take() else { return Ok(None) };
        let page = self.read_page(&path).await?;
        self.has_begun = true;
        if !page.more.is_empty() {
            ensure!(page.more != path, "{} leads in a circle", self.node.url());
            // Anything else may be another host, which these credentials are not for.
            let is_path = page.more.starts_with('/') && !page.more.starts_with("//");
            ensure!(is_path, "{} leads elsewhere: {}", self.node.url(), page.more);
            self.next = Some(page.more);
        }
        Ok(Some(page.statements))
    }

    async fn read_page(&self, path: &str) -> Result<StatementPage> {
        let mut pause = PAUSE_MIN;
        let mut failing_since = None;
        let body = loop {
            let failure = match self.try_page(path).await {
                Ok(body) => break body,
                Err(failure) => failure,
            };
            let wait = match &failure {
                NodeFailure::Refused(_) => return Err(failure.into()),
                NodeFailure::Absent(_) if !self.has_begun => return Err(failure.into()),
                NodeFailure::Busy(_, Some(asked)) => pause.max(*asked),
                _ => pause,
            };
            let since = *failing_since.get_or_insert_with(Instant::now);
            if since.elapsed() + wait > self.retry_for {
                bail!("{failure}; gave up after trying for {:?}", self.retry_for);
            }
            self.progress.note_failure(&format!("{failure}\nTrying again in {wait:?} ..."));
            sleep(wait).await;
            pause = PAUSE_MAX.min(pause * 2);
        };
        let what = || format!("{} did not answer a page of statements", self.node.url());
        serde_json::from_slice(&body).with_context(what)
    }

    async fn try_page(&self, path: &str) -> Result<Bytes, NodeFailure> {
        let request = self.node.build_request(Method::GET, path, None);
        let mut request = request.map_err(|error| NodeFailure::Refused(format!("{error:#}")))?;
        request.headers_mut().insert("x-experience-api-version", VERSION);
        let response = timeout(SILENCE_MAX, self.node.send_request(&self.client, request)).await;
        let (head, body) = response.map_err(|_| self.silence_failure())??.into_parts();
        let body = self.read_body(body).await?;
        self.node.check_accepted(&head, &body)?;
        Ok(body)
    }

    /// The body, as long as it keeps coming.
    async fn read_body(&self, mut body: Incoming) -> Result<Bytes, NodeFailure> {
        let mut read = BytesMut::new();
        while let Some(frame) =
            timeout(SILENCE_MAX, body.frame()).await.map_err(|_| self.silence_failure())?
        {
            let frame = frame.map_err(|error| self.node.broken_failure(&error))?;
            read.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            if read.len() > PAGE_BYTES_MAX {
                let url = self.node.url();
                return Err(NodeFailure::Refused(format!(
                    "{url} answers a page of more than {PAGE_BYTES_MAX} bytes"
                )));
            }
        }
        Ok(read.freeze())
    }

    fn silence_failure(&self) -> NodeFailure {
        self.node.lost_failure(&format_args!("no answer within {SILENCE_MAX:?}"))
    }
}
