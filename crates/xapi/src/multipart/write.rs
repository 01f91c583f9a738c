//! Writing a `multipart/mixed` answer piece by piece.

/// Written where an attachment's type cannot stand in a header.
const TYPE_UNKNOWN: &str = "application/octet-stream";
/// Longest type that is written as it is.
const TYPE_BYTES_MAX: usize = 255;

/// Writes what stands around the statements and the data of an answer: [`head`](Self::head), the
/// statements, for each attachment [`part_head`](Self::part_head) and its data, then
/// [`tail`](Self::tail).
#[derive(Clone, Debug)]
pub struct Writer {
    boundary: String,
}

/// What must be known of an attachment before its data is read.
#[derive(Clone, Copy, Debug)]
pub struct PartSize<'a> {
    /// SHA-2 in hexadecimal.
    pub sha2: &'a str,
    /// Its type.
    pub content_type: &'a str,
    /// Length of its data.
    pub bytes: u64,
}

impl Writer {
    /// `random` must be fresh from a generator nobody can guess: 128 bits no stored data was
    /// written to hold.
    pub fn new(random: [u8; 16]) -> Self {
        Self { boundary: format!("{:032x}", u128::from_be_bytes(random)) }
    }

    /// The `Content-Type` of the answer.
    pub fn content_type(&self) -> String {
        format!("multipart/mixed; boundary={}", self.boundary)
    }

    /// What comes before the statements.
    pub fn head(&self) -> Vec<u8> {
        format!("--{}\r\nContent-Type: application/json\r\n\r\n", self.boundary).into_bytes()
    }

    /// What comes before the data of an attachment.
    pub fn part_head(&self, sha2: &str, content_type: &str) -> Vec<u8> {
        let sha2: String = sha2.chars().filter(char::is_ascii_hexdigit).collect();
        let head = format!(
            "\r\n--{}\r\nContent-Type: {}\r\nContent-Transfer-Encoding: binary\r\n\
             X-Experience-API-Hash: {sha2}\r\n\r\n",
            self.boundary,
            header_value(content_type),
        );
        head.into_bytes()
    }

    /// What comes last.
    pub fn tail(&self) -> Vec<u8> {
        format!("\r\n--{}--\r\n", self.boundary).into_bytes()
    }

    /// Bytes of the whole answer.
    pub fn length<'a>(
        &self,
        statements_bytes: u64,
        parts: impl IntoIterator<Item = PartSize<'a>>,
    ) -> u64 {
        let frame = (self.head().len() + self.tail().len()) as u64;
        let parts = parts.into_iter().map(|part| {
            let head = self.part_head(part.sha2, part.content_type).len() as u64;
            head.saturating_add(part.bytes)
        });
        parts.fold(frame.saturating_add(statements_bytes), u64::saturating_add)
    }
}

/// A client's text must not end the header and begin another.
fn header_value(content_type: &str) -> &str {
    let text = content_type.trim();
    let plain = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let fits = plain && !text.is_empty() && text.len() <= TYPE_BYTES_MAX;
    if fits { text } else { TYPE_UNKNOWN }
}
