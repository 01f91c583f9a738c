//! What the `zip` crate does not tell about an archive's central directory (APPNOTE 4.3.12).
//!
//! The crate keeps one entry a name and drops earlier ones silently, and it reserves memory for as
//! many entries as a zip64 record claims. Both are looked at here, in the raw bytes.

use std::collections::HashMap;

use crate::Error;
use crate::archive::FILES_MAX;

/// Signature of a central directory file header.
const HEADER: &[u8] = b"PK\x01\x02";
/// Length of such a header without name, extra field and comment.
const HEADER_BYTES: usize = 46;
/// Signature of a zip64 end of central directory record (APPNOTE 4.3.14).
const ZIP64_END: &[u8] = b"PK\x06\x06";

/// Refuses bytes in which any zip64 record claims more files than are allowed.
///
/// A stored archive inside the archive may hold such a record too; it is refused with it.
pub fn check_claims(bytes: &[u8]) -> Result<(), Error> {
    let claims = bytes.windows(ZIP64_END.len()).enumerate().filter(|(_, four)| *four == ZIP64_END);
    for (at, _) in claims {
        let record = bytes.get(at..).unwrap_or_default();
        // A record that claims to be longer than the file is noise: no reader follows it.
        let plausible = number(record, 4).is_some_and(|size| size <= bytes.len() as u64);
        let files = number(record, 24).max(number(record, 32));
        if plausible && files.is_some_and(|files| files > FILES_MAX as u64) {
            return Err(too_many());
        }
    }
    Ok(())
}

/// How many different names the central directory that starts at an offset has. Tools list a file
/// twice, with the same bytes; two files of one name are refused.
pub fn count(bytes: &[u8], start: u64) -> Result<usize, Error> {
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let mut rest = bytes.get(start..).unwrap_or_default();
    let mut known = HashMap::new();
    let mut entries = 0;
    while rest.starts_with(HEADER) {
        entries += 1;
        if entries > FILES_MAX {
            return Err(too_many());
        }
        let Header { name, content, after } = entry(rest)
            .ok_or_else(|| Error::Archive("its central directory ends in an entry".into()))?;
        if *known.entry(name).or_insert(content) != content {
            let rule = "has the name of another file";
            return Err(Error::file(&String::from_utf8_lossy(name), rule));
        }
        rest = after;
    }
    Ok(known.len())
}

/// An entry of the central directory, as it stands there.
struct Header<'a> {
    name: &'a [u8],
    /// Checksum and size of the file.
    content: (&'a [u8], &'a [u8]),
    /// What follows the entry.
    after: &'a [u8],
}

/// The entry at the start of these bytes.
fn entry(bytes: &[u8]) -> Option<Header<'_>> {
    let length = |at: usize| -> Option<usize> {
        let field = bytes.get(at..at + 2)?;
        Some(u16::from_le_bytes(field.try_into().ok()?).into())
    };
    let name_end = HEADER_BYTES + length(28)?;
    let end = name_end + length(30)? + length(32)?;
    let content = (bytes.get(16..20)?, bytes.get(24..28)?);
    Some(Header { name: bytes.get(HEADER_BYTES..name_end)?, content, after: bytes.get(end..)? })
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn too_many() -> Error {
    Error::TooLarge(format!("has more than {FILES_MAX} files"))
}
