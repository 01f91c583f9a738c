//! Media types (RFC 2045, 5.1), and the two a body of statements may have.

use super::error::{BOUNDARY_CHARS_MAX, Error};

/// How a body carries statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `application/json`: statements alone.
    Json,
    /// `multipart/mixed`: statements and the data of attachments.
    Multipart {
        /// What separates the parts, without the leading dashes.
        boundary: String,
    },
}

impl Framing {
    /// Reads a `Content-Type` header. Other parameters than the boundary, such as `charset`, have
    /// no effect.
    ///
    /// # Errors
    /// [`Error::ContentType`] or [`Error::Boundary`].
    pub fn of(content_type: &str) -> Result<Self, Error> {
        let media_type = MediaType::parse(content_type).ok_or(Error::ContentType)?;
        match media_type.essence.as_str() {
            "application/json" => Ok(Self::Json),
            "multipart/mixed" => {
                let boundary = media_type.parameter("boundary").ok_or(Error::Boundary)?.to_owned();
                if is_boundary(&boundary) {
                    Ok(Self::Multipart { boundary })
                } else {
                    Err(Error::Boundary)
                }
            }
            _ => Err(Error::ContentType),
        }
    }
}

/// RFC 2046, 5.1.1: 1 to 70 of these characters, the last no space.
pub fn is_boundary(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "'()+_,-./:=? ".contains(c);
    (1..=BOUNDARY_CHARS_MAX).contains(&text.len())
        && text.chars().all(allowed)
        && !text.ends_with(' ')
}

/// A media type and its parameters, for comparison.
#[derive(Debug, PartialEq, Eq)]
pub struct MediaType {
    /// `type/subtype`, lower case.
    pub essence: String,
    /// Names in lower case and values, sorted.
    parameters: Vec<(String, String)>,
}

impl MediaType {
    /// None: not a media type. Lenient with values: what should be quoted need not be.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = fields(text).into_iter();
        let essence = fields.next()?.trim().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        if !is_token(kind) || !is_token(subtype) {
            return None;
        }
        let filled = fields.filter(|field| !field.trim().is_empty());
        let mut parameters = filled.map(|field| parameter(&field)).collect::<Option<Vec<_>>>()?;
        parameters.sort_unstable();
        Some(Self { essence, parameters })
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let mut named = self.parameters.iter().filter(|(key, _)| key == name);
        match (named.next(), named.next()) {
            (Some((_, value)), None) => Some(value),
            // Twice is not clear, and what is not clear is not there.
            _ => None,
        }
    }

    /// Whether two types are the same but for case, order and quoting.
    pub fn same(one: &str, other: &str) -> bool {
        match (Self::parse(one), Self::parse(other)) {
            (Some(one), Some(other)) => {
                let folded = |t: Self| (t.essence, fold(t.parameters));
                folded(one) == folded(other)
            }
            _ => one.trim() == other.trim(),
        }
    }
}

fn fold(parameters: Vec<(String, String)>) -> Vec<(String, String)> {
    parameters.into_iter().map(|(name, value)| (name, value.to_ascii_lowercase())).collect()
}

fn is_token(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(allowed)
}

/// Splits at the semicolons that are not within quotes.
fn fields(text: &str) -> Vec<String> {
    let (mut fields, mut field) = (Vec::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        if c == ';' && !quoted {
            fields.push(std::mem::take(&mut field));
            continue;
        }
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        field.push(c);
    }
    fields.push(field);
    fields
}

fn parameter(field: &str) -> Option<(String, String)> {
    let (name, value) = field.split_once('=')?;
    let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
    let value = match value.strip_prefix('"') {
        Some(rest) => unquoted(rest.strip_suffix('"')?)?,
        None => value.to_owned(),
    };
    is_token(&name).then_some((name, value))
}

/// The text of a quoted string: without backslashes, and without a quote that has none. None: it
/// has.
fn unquoted(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => plain.push(chars.next()?),
            c => plain.push(c),
        }
    }
    Some(plain)
}
