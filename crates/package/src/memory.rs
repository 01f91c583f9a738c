//! For whoever has all bytes in memory, and need not wait for them.

use std::ops::Range;

use crate::archive::{Archive, ArchiveOpening, Entry, NameEncoding, Next, Step, Unpacking};
use crate::error::Error;

/// A part of some bytes; shorter at their end.
pub(crate) fn slice_range<'a>(bytes: &'a [u8], range: &Range<u64>) -> &'a [u8] {
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    bytes.get(place(range.start)..place(range.end)).unwrap_or_default()
}

/// Opens an archive and checks all of its entries, unpacking none.
///
/// # Errors
/// For what breaks a rule of archives.
pub fn open_archive(bytes: &[u8], names: NameEncoding) -> Result<Archive, Error> {
    finish_opening(bytes, ArchiveOpening::new(bytes.len() as u64, names))
}

pub(crate) fn finish_opening(bytes: &[u8], mut opening: ArchiveOpening) -> Result<Archive, Error> {
    loop {
        match opening.step()? {
            Step::Done(archive) => return Ok(archive),
            Step::Load(range) => opening.load(range.start, slice_range(bytes, &range).to_vec())?,
        }
    }
}

/// A file being unpacked.
pub struct FileReader<'a> {
    bytes: &'a [u8],
    unpacking: Unpacking,
}

impl<'a> FileReader<'a> {
    /// Begins with a file of what is in these bytes.
    pub fn new(bytes: &'a [u8], entry: &Entry) -> Self {
        Self { bytes, unpacking: Unpacking::new(entry) }
    }

    /// The next bytes: `length` of them, fewer at the end of the file, none after it. A wrong
    /// checksum or a size other than stated fails at the last piece.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn next_piece(&mut self, length: usize) -> Result<Vec<u8>, Error> {
        loop {
            match self.unpacking.next_piece(length)? {
                Next::Piece(piece) => return Ok(piece),
                Next::Load { start, most } => {
                    let range = start..start.saturating_add(most as u64);
                    self.unpacking.load(slice_range(self.bytes, &range))?;
                }
            }
        }
    }

    /// How many bytes are still to come.
    pub fn bytes_left(&self) -> u64 {
        self.unpacking.bytes_left()
    }
}
