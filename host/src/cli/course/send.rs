//! Sending a file to a node, piece by piece (tus 1.0.0), over a link that may break, and having it
//! imported.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::progress::ImportProgress;
use crate::cli::node::{Node, NodeFailure};
use crate::client::HttpClient;

const UPLOADS: &str = "/content/v1/uploads";
const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
/// How long a piece takes to send, about, and how large it is at first, at least and at most.
const PIECE_TIME: Duration = Duration::from_secs(5);
const PIECE_FIRST: usize = 64 << 10;
const PIECE_MIN: usize = 2 << 10;
const PIECE_MAX: usize = 8 << 20;
/// How long the node may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// The pause before the first new attempt, and the longest one; each doubles it.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// The largest answer that is read, in bytes: a course of 5,000 units.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// A file on its way to a node.
pub struct Upload<'a> {
    node: &'a Node,
    client: HttpClient<Full<Bytes>>,
    file: File,
    size: u64,
    retry_for: Duration,
    progress: ImportProgress,
    /// Where it is at the node. None: not begun.
    place: Option<String>,
    /// How much is there. None: not known.
    offset: Option<u64>,
    piece: usize,
}

impl<'a> Upload<'a> {
    /// Begins with a file; nothing is sent yet.
    ///
    /// # Errors
    /// When it cannot be read, or there can be no client.
    pub fn new(node: &'a Node, path: &Path, retry_for: Duration) -> Result<Self> {
        let what = || path.display().to_string();
        let file = File::open(path).with_context(what)?;
        let metadata = file.metadata().with_context(what)?;
        ensure!(metadata.is_file(), "{}: that is no file", path.display());
        Ok(Self {
            node,
            client: node.new_client()?,
            file,
            size: metadata.len(),
            retry_for,
            progress: ImportProgress::new(),
            place: None,
            offset: None,
            piece: PIECE_FIRST,
        })
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Sends all of it under a name, has it imported at an address, and answers what came of that.
    ///
    /// # Errors
    /// When the node refuses, or goes on failing for too long.
    pub async fn send_all(mut self, name: &str, import: &str) -> Result<Value> {
        let (mut retry, mut reached) = (Retry::new(self.retry_for), 0);
        loop {
            let error = match self.try_once(name, import).await {
                Ok(course) => return Ok(course),
                Err(error) => error,
            };
            // A link that carries something between two cuts is worth another attempt.
            let now = self.offset.take().unwrap_or_default();
            if now > reached {
                (retry, reached) = (Retry::new(self.retry_for), now);
            }
            let (wait, why) = retry.next_wait(error, self.place.is_some())?;
            self.progress.note_failure(&why);
            sleep(wait).await;
        }
    }

    async fn try_once(&mut self, name: &str, import: &str) -> Result<Value> {
        let place = match &self.place {
            Some(place) => place.clone(),
            None => self.begin_upload(name).await?,
        };
        let offset = self.read_offset(&place).await?;
        self.offset = Some(offset);
        while let Some(offset) = self.offset.filter(|offset| *offset < self.size) {
            self.offset = Some(self.send_piece(&place, offset).await?);
        }
        let id = place.rsplit('/').next().unwrap_or_default();
        let separator = if import.contains('?') { '&' } else { '?' };
        let course = self.await_import(&format!("{import}{separator}upload={id}")).await?;
        self.progress.clear_line();
        Ok(course)
    }

    async fn begin_upload(&mut self, name: &str) -> Result<String> {
        let mut request = self.tus_request(Method::POST, UPLOADS, None)?;
        let headers = request.headers_mut();
        headers.insert("upload-length", self.size.into());
        let metadata = format!("filename {}", STANDARD.encode(name));
        headers.insert("upload-metadata", metadata.parse()?);
        let head = self.send_for_head(request).await?;
        let place = head.get("location").and_then(|place| place.to_str().ok());
        let place = place.filter(|place| place.starts_with(UPLOADS));
        let none = || format!("{} did not say where to send the file", self.node.url());
        let place = place.with_context(none)?.to_owned();
        self.place = Some(place.clone());
        Ok(place)
    }

    /// How much is there.
    async fn read_offset(&self, place: &str) -> Result<u64> {
        let request = self.tus_request(Method::HEAD, place, None)?;
        let (head, _) = self.send_request(request).await?.into_parts();
        match head.status {
            // What came of its import was not received.
            StatusCode::GONE => return Ok(self.size),
            StatusCode::NOT_FOUND => {
                bail!("{} does not have the file any more: send it again", self.node.url())
            }
            _ => self.node.check_accepted(&head, &[])?,
        }
        self.offset_of(&head.headers)
    }

    async fn send_piece(&mut self, place: &str, offset: u64) -> Result<u64> {
        let length = (self.piece as u64).min(self.size - offset);
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.by_ref().take(length).read_to_end(&mut bytes)?;
        ensure!(bytes.len() as u64 == length, "the file has become shorter");
        let body = Some(("application/offset+octet-stream", bytes));
        let mut request = self.tus_request(Method::PATCH, place, body)?;
        request.headers_mut().insert("upload-offset", offset.into());
        let start = Instant::now();
        let head = match self.send_for_head(request).await {
            Ok(head) => head,
            Err(error) => {
                self.piece = (self.piece / 4).max(PIECE_MIN);
                return Err(error);
            }
        };
        self.adapt_piece(length, start.elapsed());
        let offset = self.offset_of(&head)?;
        self.progress.show_bytes("sent", offset, self.size);
        Ok(offset)
    }

    /// What the link carries, and so how large the next piece is.
    fn adapt_piece(&mut self, bytes: u64, took: Duration) {
        let rate = bytes as f64 / took.as_secs_f64().max(0.001);
        let wanted = (rate * PIECE_TIME.as_secs_f64()).min(self.piece as f64 * 4.0);
        self.piece = (wanted as usize).clamp(PIECE_MIN, PIECE_MAX);
    }

    /// Has it imported; whoever asks again hears of the same import.
    async fn await_import(&mut self, path: &str) -> Result<Value> {
        let mut request = self.node.build_request(Method::POST, path, None)?;
        request.headers_mut().insert("accept", HeaderValue::from_static("text/event-stream"));
        let (head, mut body) = self.send_request(request).await?.into_parts();
        if !head.status.is_success() {
            let answer = self.read_body(body).await?;
            self.node.check_accepted(&head, &answer)?;
            bail!("{} answered {}", self.node.url(), head.status);
        }
        let mut begun = Vec::new();
        loop {
            let frame =
                timeout(SILENCE_MAX, body.frame()).await.map_err(|_| self.silence_failure())?;
            let end = || self.node.broken_failure(&"it ended before the import did");
            let frame = frame.ok_or_else(end)?.map_err(|error| self.node.broken_failure(&error))?;
            begun.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            ensure!(begun.len() <= ANSWER_BYTES_MAX, "{} says too much", self.node.url());
            while let Some(end) = begun.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = begun.drain(..end + 2).collect();
                if let Some(course) = self.take_event(&String::from_utf8_lossy(&event))? {
                    return Ok(course);
                }
            }
        }
    }

    /// Takes an event (HTML, 9.2). Some: it is over.
    fn take_event(&self, event: &str) -> Result<Option<Value>> {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
        let (Some(kind), Some(text)) = (field("event: "), field("data: ")) else { return Ok(None) };
        let said: Value = serde_json::from_str(text)
            .with_context(|| format!("{} did not answer JSON", self.node.url()))?;
        let number = |name| said.get(name).and_then(Value::as_u64).unwrap_or_default();
        let detail = said.get("detail").and_then(Value::as_str).unwrap_or("it did not say why");
        let refused = format!("{} refused: {detail}", self.node.url());
        match kind {
            "progress" => {
                let is_queued = said.get("is_queued") == Some(&Value::Bool(true));
                let what = if is_queued { "waiting for other imports," } else { "imported" };
                self.progress.show_bytes(what, number("done"), number("total"));
                Ok(None)
            }
            "imported" => Ok(Some(said)),
            // The node keeps what was sent: there may be room another time.
            "failed" if number("status") != 507 => Err(NodeFailure::Busy(refused, None).into()),
            "failed" | "refused" => Err(NodeFailure::Refused(refused).into()),
            _ => Ok(None),
        }
    }

    fn tus_request(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Request<Full<Bytes>>> {
        let mut request = self.node.build_request(method, path, body)?;
        request.headers_mut().insert("tus-resumable", VERSION);
        Ok(request)
    }

    /// Sends a request; the head of an answer that is a success.
    async fn send_for_head(&self, request: Request<Full<Bytes>>) -> Result<HeaderMap> {
        let (head, body) = self.send_request(request).await?.into_parts();
        let body = self.read_body(body).await?;
        if head.status == StatusCode::CONFLICT {
            // It has more or less than was thought: that is looked at.
            return Err(self.node.lost_failure(&"the node has another part of the file").into());
        }
        self.node.check_accepted(&head, &body)?;
        Ok(head.headers)
    }

    async fn read_body(&self, body: Incoming) -> Result<Bytes> {
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect();
        let body = timeout(SILENCE_MAX, body).await.map_err(|_| self.silence_failure())?;
        Ok(body.map_err(|error| self.node.broken_failure(&error))?.to_bytes())
    }

    async fn send_request(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<http::Response<Incoming>> {
        let answer = timeout(SILENCE_MAX, self.node.send_request(&self.client, request)).await;
        Ok(answer.map_err(|_| self.silence_failure())??)
    }

    fn offset_of(&self, headers: &HeaderMap) -> Result<u64> {
        let offset = headers.get("upload-offset").and_then(|offset| offset.to_str().ok());
        let offset = offset.and_then(|offset| offset.parse().ok());
        offset.with_context(|| format!("{} did not say how much is there", self.node.url()))
    }

    fn silence_failure(&self) -> NodeFailure {
        self.node.lost_failure(&format_args!("no answer within {SILENCE_MAX:?}"))
    }
}

/// For how long something is tried again.
struct Retry {
    pause: Duration,
    since: Option<Instant>,
    retry_for: Duration,
}

impl Retry {
    fn new(retry_for: Duration) -> Self {
        Self { pause: PAUSE_MIN, since: None, retry_for }
    }

    /// How long to wait after a failure, and what to say of it; or the failure, if there is no use.
    fn next_wait(&mut self, error: anyhow::Error, has_begun: bool) -> Result<(Duration, String)> {
        let wait = match error.downcast_ref::<NodeFailure>() {
            Some(NodeFailure::Absent(_)) if !has_begun => return Err(error),
            Some(NodeFailure::Busy(_, Some(asked))) => self.pause.max(*asked),
            Some(NodeFailure::Absent(_) | NodeFailure::Lost(_) | NodeFailure::Busy(..)) => {
                self.pause
            }
            Some(NodeFailure::Refused(_)) | None => return Err(error),
        };
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() + wait > self.retry_for {
            let tried = format!("gave up after trying for {:?}", self.retry_for);
            return Err(error.context(tried));
        }
        self.pause = PAUSE_MAX.min(self.pause * 2);
        Ok((wait, format!("{error}\nTrying again in {wait:?} ...")))
    }
}
