use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Node;

/// How long to wait for the next event before a test gives up. Generous: it is not what tests
/// measure.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Server-sent events of a node, read from a connection of their own.
pub struct Events {
    connection: BufReader<TcpStream>,
    /// What has arrived of the next event.
    begun: String,
}

/// An event; or what is none, and still keeps the stream going.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its type; empty: it is a comment, or says when to come back.
    pub kind: String,
    /// Its text.
    pub data: String,
}

impl Events {
    /// Asks for events with the cookie of somebody who has signed in, and reads the head of the
    /// answer.
    pub fn open(node: &Node, path: &str, cookie: &str) -> Result<Self> {
        Self::begin(node, "GET", path, &format!("cookie: {cookie}"))
    }

    /// Has something done with credentials, `name:password`, that is told by events; reads the head
    /// of the answer.
    pub fn ask(node: &Node, path: &str, credentials: &str) -> Result<Self> {
        let credentials = STANDARD.encode(credentials);
        let headers = format!("content-length: 0\r\nauthorization: Basic {credentials}");
        Self::begin(node, "POST", path, &headers)
    }

    fn begin(node: &Node, method: &str, path: &str, headers: &str) -> Result<Self> {
        let mut connection = TcpStream::connect(("127.0.0.1", node.port()))?;
        connection.set_read_timeout(Some(TIMEOUT))?;
        let port = node.port();
        write!(
            connection,
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\
             accept: text/event-stream\r\n{headers}\r\n\r\n"
        )?;
        let mut events = Self { connection: BufReader::new(connection), begun: String::new() };
        let status = events.line()?;
        ensure!(status.starts_with("HTTP/1.1 200"), "{path} answered {status}");
        let mut head = String::new();
        loop {
            let line = events.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            head += &format!("{line}\n");
        }
        ensure!(head.contains("content-type: text/event-stream\n"), "no events: {head}");
        ensure!(head.contains("transfer-encoding: chunked\n"), "not in chunks: {head}");
        Ok(events)
    }

    /// The next event. None: the stream has ended as it should; one that is cut off is an error.
    pub fn read(&mut self) -> Result<Option<Event>> {
        loop {
            let Some((event, rest)) = self.begun.split_once("\n\n") else {
                let Some(more) = self.chunk()? else { return Ok(None) };
                self.begun += &more;
                continue;
            };
            let (event, rest) = (parse(event), rest.to_owned());
            self.begun = rest;
            if !event.kind.is_empty() {
                return Ok(Some(event));
            }
        }
    }

    /// The text of the next event of a type; whatever comes before it is not.
    pub fn expect(&mut self, kind: &str) -> Result<String> {
        let event = self.read()?.with_context(|| format!("the stream ended before {kind}"))?;
        ensure!(event.kind == kind, "{event:?} instead of {kind}");
        Ok(event.data)
    }

    /// The text of the first event that says this.
    pub fn until(&mut self, text: &str) -> Result<String> {
        loop {
            let event =
                self.read()?.with_context(|| format!("the stream ended before {text:?}"))?;
            if event.data.contains(text) {
                return Ok(event.data);
            }
        }
    }

    /// A chunk of the body (RFC 9112, 7.1). None: it was the last.
    fn chunk(&mut self) -> Result<Option<String>> {
        let line = self.line()?;
        let size =
            usize::from_str_radix(&line, 16).with_context(|| format!("{line:?} is no size"))?;
        let mut chunk = vec![0; size];
        self.connection.read_exact(&mut chunk)?;
        ensure!(self.line()?.is_empty(), "a chunk goes on after its end");
        Ok((size > 0).then(|| String::from_utf8(chunk)).transpose()?)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.connection.read_line(&mut line)?;
        ensure!(read > 0 && line.ends_with("\r\n"), "the connection was cut off: {line:?}");
        Ok(line.trim_end().to_owned())
    }
}

fn parse(text: &str) -> Event {
    let mut event = Event::default();
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.split_once(": ") {
            Some(("event", kind)) => kind.clone_into(&mut event.kind),
            Some(("data", data)) => lines.push(data),
            _ => {}
        }
    }
    event.data = lines.join("\n");
    event
}
