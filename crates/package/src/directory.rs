//! What the `zip` crate does not tell about an archive's central directory (APPNOTE 4.3.12).
//!
//! The crate keeps one entry a name and drops earlier ones silently, and it reserves memory for as
//! many entries as a zip64 record claims. Both are looked at here, in the raw bytes.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use memchr::memmem;

use crate::error::Error;
use crate::limits::FILES_MAX;

/// Signature of a central directory file header.
const HEADER: &[u8] = b"PK\x01\x02";
/// Length of such a header without name, extra field and comment.
const HEADER_BYTES: usize = 46;
/// Signature of a zip64 end of central directory record (APPNOTE 4.3.14).
const ZIP64_END: &[u8] = b"PK\x06\x06";
/// How many bytes of such a record say what it claims.
pub const CLAIM_BYTES: usize = 40;

/// Refuses bytes of an archive of some size in which any zip64 record claims more files than are
/// allowed.
///
/// A stored archive inside the archive may hold such a record too; it is refused with it.
pub fn check_claims(bytes: &[u8], size: u64) -> Result<(), Error> {
    for at in memmem::find_iter(bytes, ZIP64_END) {
        let record = bytes.get(at..).unwrap_or_default();
        // A record that claims to be longer than the file is noise: no reader follows it.
        let plausible = read_number(record, 4).is_some_and(|length| length <= size);
        let files = read_number(record, 24).max(read_number(record, 32));
        if plausible && files.is_some_and(|files| files > FILES_MAX as u64) {
            return Err(too_many());
        }
    }
    Ok(())
}

/// How many different names the central directory that starts at an offset has. Tools list a file
/// twice, with the same bytes; two files of one name are refused.
pub fn count_names(archive: &mut (impl Read + Seek), start: u64) -> Result<usize, Error> {
    let mut known = HashMap::new();
    let mut entries = 0;
    let broken = |_| Error::Archive("its central directory ends in an entry".into());
    archive.seek(SeekFrom::Start(start)).map_err(broken)?;
    while let Some(Header { name, content }) = read_central_header(archive).map_err(broken)? {
        entries += 1;
        if entries > FILES_MAX {
            return Err(too_many());
        }
        if known.get(&name).is_some_and(|other| *other != content) {
            let rule = "has the name of another file";
            return Err(Error::of_file(&String::from_utf8_lossy(&name), rule));
        }
        known.insert(name, content);
    }
    Ok(known.len())
}

/// An entry of the central directory, as it stands there.
struct Header {
    name: Box<[u8]>,
    /// Checksum and size of the file.
    content: [u8; 8],
}

/// The next entry. None: something else follows, or nothing.
fn read_central_header(archive: &mut (impl Read + Seek)) -> io::Result<Option<Header>> {
    let mut signature = Vec::with_capacity(HEADER.len());
    archive.by_ref().take(HEADER.len() as u64).read_to_end(&mut signature)?;
    if signature != HEADER {
        return Ok(None);
    }
    let mut fields = [0; HEADER_BYTES - HEADER.len()];
    archive.read_exact(&mut fields)?;
    let length = |at: usize| -> io::Result<u16> {
        let field = fields.get(at - HEADER.len()..at - HEADER.len() + 2);
        let field = field.and_then(|field| field.try_into().ok());
        field.map(u16::from_le_bytes).ok_or(ErrorKind::InvalidData.into())
    };
    let mut name = vec![0; length(28)?.into()];
    archive.read_exact(&mut name)?;
    let rest = i64::from(length(30)?) + i64::from(length(32)?);
    skip_bytes(archive, rest)?;
    let [.., a, b, c, d] = *fields.first_chunk::<16>().ok_or(ErrorKind::InvalidData)?;
    let [.., e, f, g, h] = *fields.first_chunk::<24>().ok_or(ErrorKind::InvalidData)?;
    Ok(Some(Header { name: name.into(), content: [a, b, c, d, e, f, g, h] }))
}

/// Goes on so many bytes, which have to be there.
fn skip_bytes(archive: &mut (impl Read + Seek), bytes: i64) -> io::Result<()> {
    if bytes > 0 {
        archive.seek(SeekFrom::Current(bytes - 1))?;
        archive.read_exact(&mut [0])?;
    }
    Ok(())
}

fn read_number(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn too_many() -> Error {
    Error::TooLarge(format!("has more than {FILES_MAX} files"))
}
