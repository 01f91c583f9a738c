//! A file of a package, and where its bytes are.

use zip::CompressionMethod;

/// The rule that a file breaks whose bytes are not all there.
pub(crate) const CUT_OFF: &str = "is cut off: the archive ends before it does";

/// Length of a local file header (APPNOTE 4.3.7) without name and extra field.
pub(crate) const HEADER_BYTES: u64 = 30;

/// A file of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Path inside the archive: relative, `/`-separated, no `.` or `..` segment.
    pub path: String,
    /// Unpacked size in bytes, as the archive states it. Unpacking yields exactly that or fails.
    pub size: u64,
    pub(crate) location: Location,
}

/// Where a file's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// They are all that was sent.
    Alone,
    /// They are packed, after a local header.
    Packed {
        /// Where that header begins.
        header: u64,
        /// How many bytes are packed.
        bytes: u64,
        /// How.
        method: CompressionMethod,
        /// The checksum of the file.
        crc32: u32,
        /// Where something else begins.
        limit: u64,
    },
}

impl Entry {
    /// A file that is all there is.
    pub(crate) fn unarchived(path: &str, size: u64) -> Self {
        Self { path: path.to_owned(), size, location: Location::Alone }
    }

    /// Where its local header begins, in an archive.
    pub(crate) fn header(&self) -> Option<u64> {
        match self.location {
            Location::Alone => None,
            Location::Packed { header, .. } => Some(header),
        }
    }

    /// How many bytes of what was sent it takes, without its header.
    pub(crate) fn packed_bytes(&self) -> u64 {
        match self.location {
            Location::Alone => self.size,
            Location::Packed { bytes, .. } => bytes,
        }
    }

    /// Notes where something else begins.
    pub(crate) fn set_limit(&mut self, end: u64) {
        if let Location::Packed { limit, .. } = &mut self.location {
            *limit = end;
        }
    }
}
