//! Statements with the data of their attachments, as they travel (xAPI 1.0.3, part three, 1.5.2;
//! RFC 2046).

use std::fmt::Write;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Response, statement};
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What separates the parts of the bodies that are sent.
const BOUNDARY: &str = "hedge 'n' = rose";

/// The type of data, unless a test has another.
pub const TEXT: &str = "text/plain; charset=utf-8";

/// The SHA-256 of data.
pub fn sha256(data: &[u8]) -> String {
    Sha256::digest(data).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A body of statements and parts.
pub struct Parts {
    /// The statements as JSON.
    pub statements: String,
    /// Headers, with a line end each, and data.
    parts: Vec<(String, Vec<u8>)>,
}

impl Parts {
    /// A statement or a list of them, with no data yet.
    pub fn new(statements: &Value) -> Self {
        Self { statements: statements.to_string(), parts: Vec::new() }
    }

    /// How a statement describes this data.
    pub fn describe(data: &[u8]) -> Value {
        json!({
            "usageType": "https://example.org/usage/notes",
            "display": { "en": "Notes" },
            "contentType": TEXT,
            "length": data.len(),
            "sha2": sha256(data),
        })
    }

    /// Adds data with the headers it needs.
    pub fn with(self, data: &[u8]) -> Self {
        let headers = Self::headers(TEXT, &sha256(data));
        self.with_part(&headers, data)
    }

    /// The headers of a part.
    pub fn headers(media_type: &str, sha2: &str) -> String {
        format!(
            "Content-Type: {media_type}\r\nContent-Transfer-Encoding: binary\r\n\
             X-Experience-API-Hash: {sha2}\r\n"
        )
    }

    /// Adds data with any headers.
    pub fn with_part(mut self, headers: &str, data: &[u8]) -> Self {
        self.parts.push((headers.to_owned(), data.to_vec()));
        self
    }

    /// The whole body.
    pub fn body(&self) -> Vec<u8> {
        let statements = ("Content-Type: application/json\r\n".to_owned(), self.statements.clone());
        let first = (statements.0, statements.1.into_bytes());
        let mut body = Vec::new();
        for (headers, data) in std::iter::once(&first).chain(&self.parts) {
            body.extend_from_slice(format!("--{BOUNDARY}\r\n{headers}\r\n").as_bytes());
            body.extend_from_slice(data);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        body
    }

    /// Sends it.
    pub fn post(&self, client: &Client) -> Result<Response> {
        self.send(client, Method::POST, statement::PATH)
    }

    /// Sends it by any method to any address.
    pub fn send(&self, client: &Client, method: Method, path: &str) -> Result<Response> {
        let media_type = format!("multipart/mixed; boundary=\"{BOUNDARY}\"");
        client.send(method, path, Some((&media_type, &self.body())))
    }

    /// Takes an answer to pieces, which has to be well-formed to the letter.
    pub fn read(response: &Response) -> Result<Self> {
        let media_type = response.header("content-type");
        let boundary = media_type.strip_prefix("multipart/mixed; boundary=");
        let boundary = boundary.with_context(|| format!("the answer is {media_type}"))?;
        let (open, close) = (format!("--{boundary}\r\n"), format!("\r\n--{boundary}--\r\n"));
        let body = response.body.strip_prefix(open.as_bytes()).context("no first boundary")?;
        let body = body.strip_suffix(close.as_bytes()).context("no last boundary")?;
        let mut sections = split(body, format!("\r\n{open}").as_bytes()).into_iter();
        let mut part = |section: &[u8]| -> Result<(String, Vec<u8>)> {
            let end = find(section, b"\r\n\r\n").context("headers without an end")?;
            let (headers, data) = section.split_at(end);
            Ok((String::from_utf8(headers.to_vec())? + "\r\n", data[4..].to_vec()))
        };
        let (headers, statements) = part(sections.next().context("no part")?)?;
        ensure!(headers == "Content-Type: application/json\r\n", "the statements are {headers}");
        let parts = sections.map(&mut part).collect::<Result<_>>()?;
        Ok(Self { statements: String::from_utf8(statements)?, parts })
    }

    /// The data of all parts, in their order.
    pub fn data(&self) -> Vec<&[u8]> {
        self.parts.iter().map(|(_, data)| data.as_slice()).collect()
    }

    /// The headers of the part with this data.
    pub fn headers_of(&self, data: &[u8]) -> Option<&str> {
        let part = self.parts.iter().find(|(_, other)| other == data);
        part.map(|(headers, _)| headers.as_str())
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn split<'a>(mut text: &'a [u8], separator: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    while let Some(place) = find(text, separator) {
        pieces.push(&text[..place]);
        text = &text[place + separator.len()..];
    }
    pieces.push(text);
    pieces
}
