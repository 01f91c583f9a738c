//! A file of which parts are in memory: what has been asked for, so far.
//!
//! Whoever reads what is not there gets an error, and the file remembers where that was. The caller
//! loads that part, however long it takes, and reads again from the beginning.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;

/// How much is loaded at a time, in bytes.
pub const BLOCK_BYTES: u64 = 1 << 20;
/// Most bytes that one attempt reads of what is there, over and over: an archive can have its
/// reader look for the same thing from very many places.
const READ_BYTES_MAX: u64 = 256 << 20;
/// A local file header (APPNOTE 4.3.7) in which nothing but its signature is said.
const NO_HEADER: [u8; 30] = {
    let mut header = [0; 30];
    (header[0], header[1], header[2], header[3]) = (b'P', b'K', 3, 4);
    header
};

/// A file whose blocks are loaded one by one.
pub struct SparseFile {
    size: u64,
    block_bytes: u64,
    blocks: BTreeMap<u64, Vec<u8>>,
    /// The block that was looked for in vain since it was last asked.
    missing: Cell<Option<u64>>,
    /// How many bytes the attempt has read.
    read: Cell<u64>,
    /// Local headers are not read, but taken to be there.
    skips_headers: Cell<bool>,
}

impl SparseFile {
    /// A file of so many bytes, none of which is here.
    pub fn new(size: u64, block_bytes: u64) -> Self {
        let (missing, read, skips_headers) = Default::default();
        Self { size, block_bytes, blocks: BTreeMap::new(), missing, read, skips_headers }
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many bytes are here, or will be with those of one more block.
    pub fn loaded_bytes(&self) -> u64 {
        (self.blocks.len() as u64 + 1) * self.block_bytes
    }

    /// Begins another attempt, from the start of the file.
    pub fn new_view(&self) -> View<'_> {
        self.missing.set(None);
        self.read.set(0);
        self.skips_headers.set(false);
        View { sparse: self, at: 0, jumped: 0 }
    }

    /// From now on, until the next attempt, whoever looks for a file's local header finds one that
    /// says nothing: it is looked at when the file is unpacked.
    pub fn skip_headers(&self) {
        self.skips_headers.set(true);
    }

    /// What the attempt did not find. If there is any, whatever came of the attempt means nothing.
    pub fn missing_range(&self) -> Option<Range<u64>> {
        let start = self.missing.get()? * self.block_bytes;
        Some(start..(start + self.block_bytes).min(self.size))
    }

    /// Whether the attempt has read too much.
    pub fn is_exhausted(&self) -> bool {
        self.read.get() > READ_BYTES_MAX
    }

    /// Takes the block that starts there. Answers what is here around it, with so many bytes of its
    /// neighbours.
    pub fn load_block(&mut self, start: u64, bytes: Vec<u8>, margin: usize) -> Vec<u8> {
        let number = start / self.block_bytes;
        let neighbour = |number: Option<u64>| number.and_then(|number| self.blocks.get(&number));
        let before = neighbour(number.checked_sub(1)).map_or(&[][..], Vec::as_slice);
        let before = before.get(before.len().saturating_sub(margin)..).unwrap_or_default();
        let after = neighbour(number.checked_add(1)).map_or(&[][..], Vec::as_slice);
        let after = after.get(..margin.min(after.len())).unwrap_or_default();
        let around = [before, &bytes, after].concat();
        self.blocks.insert(number, bytes);
        around
    }
}

/// An attempt to read a file.
pub struct View<'a> {
    sparse: &'a SparseFile,
    at: u64,
    /// Where it jumped to last.
    jumped: u64,
}

impl View<'_> {
    fn read_blank_header(&self, buffer: &mut [u8]) -> usize {
        let is_there = self.jumped.checked_add(NO_HEADER.len() as u64);
        let offset = usize::try_from(self.at - self.jumped).unwrap_or(usize::MAX);
        let rest = NO_HEADER.get(offset..).unwrap_or_default();
        if is_there.is_none_or(|end| end > self.sparse.size) { 0 } else { copy_bytes(rest, buffer) }
    }
}

impl Read for View<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let sparse = self.sparse;
        if sparse.missing.get().is_some() || sparse.is_exhausted() {
            return Err(ErrorKind::Other.into());
        }
        if sparse.skips_headers.get() {
            let read = self.read_blank_header(buffer);
            self.at += read as u64;
            return Ok(read);
        }
        if self.at >= sparse.size || buffer.is_empty() {
            return Ok(0);
        }
        let number = self.at / sparse.block_bytes;
        let Some(block) = sparse.blocks.get(&number) else {
            sparse.missing.set(Some(number));
            return Err(ErrorKind::Other.into());
        };
        let offset = usize::try_from(self.at % sparse.block_bytes).unwrap_or(usize::MAX);
        let read = copy_bytes(block.get(offset..).unwrap_or_default(), buffer);
        self.at += read as u64;
        sparse.read.set(sparse.read.get() + read as u64);
        Ok(read)
    }
}

impl Seek for View<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.sparse.size.checked_add_signed(by),
        };
        self.at = at.ok_or(ErrorKind::InvalidInput)?;
        self.jumped = self.at;
        Ok(self.at)
    }
}

/// Copies as much as there is, and there is room for.
fn copy_bytes(from: &[u8], to: &mut [u8]) -> usize {
    to.iter_mut().zip(from).map(|(to, from)| *to = *from).count()
}
