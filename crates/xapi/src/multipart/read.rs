//! Taking a body to pieces.

use std::collections::HashSet;

use memchr::memmem;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::error::{Error, PART_HEADERS_BYTES_MAX, PARTS_MAX};
use super::media_type::{MediaType, is_boundary};
use crate::scalar;

/// A body, taken to pieces. What it holds lies in the body.
#[derive(Debug, PartialEq, Eq)]
pub struct Multipart<'a> {
    /// The statements as JSON, for [`crate::parse_batch`].
    pub statements: &'a str,
    /// The data of attachments, one of each hash, in the order of the body.
    pub parts: Vec<Part<'a>>,
}

/// The data of an attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// SHA-2 of `data` in hexadecimal, lower case: 224, 256, 384 or 512 bits.
    pub sha2: String,
    /// The `Content-Type`, if there is one: it may be missing, the attachment has one.
    pub content_type: Option<String>,
    /// The data itself.
    pub data: &'a [u8],
}

/// Takes a `multipart/mixed` body to pieces: JSON first, then attachments whose data has the hash
/// it says.
///
/// Whether the statements know the attachments is asked of [`super::check_claims`]. A part that
/// comes twice is kept once. Time and memory are linear in the length of the body, which the
/// caller bounds.
///
/// # Errors
/// The first thing that is wrong with the body.
pub fn parse<'a>(body: &'a [u8], boundary: &str) -> Result<Multipart<'a>, Error> {
    let mut sections = sections(body, boundary)?.into_iter().enumerate();
    let (_, first) = sections.next().ok_or(Error::NoParts)?;
    let statements = statements(first)?;
    let mut seen = HashSet::new();
    let mut parts = Vec::new();
    for (number, section) in sections {
        let part = attachment(section, number)?;
        if seen.insert(part.sha2.clone()) {
            parts.push(part);
        }
    }
    Ok(Multipart { statements, parts })
}

/// What stands between the boundary lines (RFC 2046, 5.1.1). Preamble and epilogue are dropped.
fn sections<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<&'a [u8]>, Error> {
    if !is_boundary(boundary) {
        return Err(Error::Boundary);
    }
    let delimiter = format!("\r\n--{boundary}");
    let finder = memmem::Finder::new(delimiter.as_bytes());
    let mut rest = after_preamble(body, &finder)?;
    let mut sections = Vec::new();
    loop {
        let part = sections.len();
        rest = match line_end(rest).ok_or(Error::BoundaryLine { part })? {
            Line::Close if part == 0 => return Err(Error::NoParts),
            Line::Close => return Ok(sections),
            Line::Open(rest) => rest,
        };
        if part > PARTS_MAX {
            return Err(Error::TooManyParts);
        }
        let (section, next) = cut(rest, &finder).ok_or(Error::Unfinished { part })?;
        sections.push(section);
        rest = next;
    }
}

/// What follows the first boundary, which may begin the body.
fn after_preamble<'a>(body: &'a [u8], finder: &memmem::Finder) -> Result<&'a [u8], Error> {
    let first_line = finder.needle().strip_prefix(b"\r\n").unwrap_or_default();
    match body.strip_prefix(first_line) {
        Some(rest) => Ok(rest),
        None => cut(body, finder).map(|(_, rest)| rest).ok_or(Error::NoParts),
    }
}

/// What stands before and after the next delimiter.
fn cut<'a>(text: &'a [u8], finder: &memmem::Finder) -> Option<(&'a [u8], &'a [u8])> {
    let (before, rest) = text.split_at_checked(finder.find(text)?)?;
    Some((before, rest.get(finder.needle().len()..)?))
}

/// The rest of a boundary line.
enum Line<'a> {
    /// Of the last one.
    Close,
    /// Of one before a part, and what comes after the line.
    Open(&'a [u8]),
}

/// Reads `--`, padding and CRLF after a boundary. None: something else stands there.
fn line_end(rest: &[u8]) -> Option<Line<'_>> {
    let closed = rest.strip_prefix(b"--");
    let padded = closed.unwrap_or(rest);
    let padding = padded.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let end = padded.get(padding..)?;
    match (closed, end.strip_prefix(b"\r\n")) {
        (Some(_), next) if next.is_some() || end.is_empty() => Some(Line::Close),
        (None, Some(next)) => Some(Line::Open(next)),
        _ => None,
    }
}

fn statements(section: &[u8]) -> Result<&str, Error> {
    let (headers, body) = Headers::read(section, 0)?;
    let content_type = headers.get("content-type", "Content-Type")?.and_then(MediaType::parse);
    if content_type.is_none_or(|content_type| content_type.essence != "application/json") {
        return Err(Error::Statements);
    }
    std::str::from_utf8(body).map_err(|_| Error::Statements)
}

fn attachment(section: &[u8], part: usize) -> Result<Part<'_>, Error> {
    let (headers, data) = Headers::read(section, part)?;
    let encoding = headers.get("content-transfer-encoding", "Content-Transfer-Encoding")?;
    if !encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("binary")) {
        return Err(Error::Encoding { part });
    }
    let hash = headers.get("x-experience-api-hash", "X-Experience-API-Hash")?;
    let sha2 = hash.ok_or(Error::Hash { part })?.to_ascii_lowercase();
    let computed = sha2_like(&sha2, data).ok_or(Error::Hash { part })?;
    if computed != sha2 {
        return Err(Error::HashDiffers { part, bytes: data.len() });
    }
    let content_type = headers.get("content-type", "Content-Type")?.map(str::to_owned);
    Ok(Part { sha2, content_type, data })
}

/// The hash of data, of the kind that another hash's length tells. None: the other is no SHA-2.
pub fn sha2_like(hash: &str, data: &[u8]) -> Option<String> {
    if !scalar::is_hexadecimal(hash) {
        return None;
    }
    match hash.len() {
        56 => Some(hexadecimal(&Sha224::digest(data))),
        64 => Some(hexadecimal(&Sha256::digest(data))),
        96 => Some(hexadecimal(&Sha384::digest(data))),
        128 => Some(hexadecimal(&Sha512::digest(data))),
        _ => None,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect()
}

fn digit(half: u8) -> char {
    char::from_digit(half.into(), 16).unwrap_or_default()
}

/// The headers of a part: names in lower case, values without the white space around them.
struct Headers {
    part: usize,
    fields: Vec<(String, String)>,
}

impl Headers {
    /// Splits a part into its headers and its data.
    fn read(section: &[u8], part: usize) -> Result<(Self, &[u8]), Error> {
        if let Some(data) = section.strip_prefix(b"\r\n") {
            return Ok((Self { part, fields: Vec::new() }, data));
        }
        // Four bytes more for the empty line.
        let start = section.get(..PART_HEADERS_BYTES_MAX + 4).unwrap_or(section);
        let end = memmem::find(start, b"\r\n\r\n").ok_or(if start.len() < section.len() {
            Error::HeadersTooLong { part }
        } else {
            Error::Headers { part }
        })?;
        let (head, rest) = section.split_at_checked(end).ok_or(Error::Headers { part })?;
        let head = std::str::from_utf8(head).map_err(|_| Error::Headers { part })?;
        let fields = unfold(head).iter().map(|line| field(line)).collect::<Option<_>>();
        let fields = fields.ok_or(Error::Headers { part })?;
        Ok((Self { part, fields }, rest.get(4..).unwrap_or_default()))
    }

    fn get(&self, name: &str, header: &'static str) -> Result<Option<&str>, Error> {
        let mut values = self.fields.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        let value = values.next();
        match values.next() {
            None => Ok(value.map(String::as_str)),
            Some(_) => Err(Error::RepeatedHeader { part: self.part, header }),
        }
    }
}

/// Lines that begin with white space go on with the line before (RFC 822, 3.1.1).
fn unfold(head: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in head.split("\r\n") {
        match lines.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => last.push_str(line),
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

fn field(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    let formed = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    let plain = !value.contains(|c: char| c.is_control() && c != '\t');
    (formed && plain).then(|| (name.to_ascii_lowercase(), value.trim().to_owned()))
}
