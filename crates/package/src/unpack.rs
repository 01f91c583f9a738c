//! Unpacking a file, a piece at a time, of bytes that somebody else loads.

use flate2::{Crc, Decompress, FlushDecompress, Status};
use zip::CompressionMethod;

use crate::entry::{self, CUT_OFF, Entry, Location};
use crate::error::Error;

/// Signature of a local file header (APPNOTE 4.3.7), and its length without name and extra field.
const HEADER: &[u8] = b"PK\x03\x04";
const HEADER_BYTES: usize = entry::HEADER_BYTES as usize;
/// How many packed bytes are asked for at a time.
const INPUT_BYTES: usize = 64 << 10;
/// How much is unpacked at a time.
const OUTPUT_BYTES: u64 = 256 << 10;

/// What comes next of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// First load some bytes of what was sent, from `start` on: one of them at least, `most` at
    /// most.
    Load {
        /// The first byte.
        start: u64,
        /// How many of them are of use.
        most: usize,
    },
    /// A piece of it, of the length that was asked for; shorter at the end of the file. An empty
    /// file has one too.
    Piece(Vec<u8>),
}

/// A file being unpacked.
pub struct Unpacking {
    path: String,
    /// Bytes of the file that have not been unpacked.
    left: u64,
    /// Where the next packed bytes are, and how many are still to be loaded.
    at: u64,
    packed: u64,
    /// Where something else begins.
    limit: u64,
    state: State,
    /// Loaded bytes, and how many of them are used up.
    input: Vec<u8>,
    used: usize,
    /// What is unpacked of the next piece.
    piece: Vec<u8>,
    crc: Crc,
    /// None: there is nothing to compare it with.
    crc32: Option<u32>,
}

enum State {
    /// The local header, as far as it is known.
    Header(CompressionMethod, Vec<u8>),
    Stored,
    Deflated(Box<Decompress>),
    Ended,
}

impl Unpacking {
    /// Begins with a file.
    pub fn new(entry: &Entry) -> Self {
        let (at, packed, state, crc32, limit) = match entry.location {
            Location::Alone => (0, entry.size, State::Stored, None, u64::MAX),
            Location::Packed { header, bytes, method, crc32, limit } => {
                let state = State::Header(method, Vec::with_capacity(HEADER_BYTES));
                (header, bytes, state, Some(crc32), limit)
            }
        };
        Self {
            path: entry.path.clone(),
            left: entry.size,
            at,
            packed,
            limit,
            state,
            input: Vec::new(),
            used: 0,
            piece: Vec::new(),
            crc: Crc::new(),
            crc32,
        }
    }

    /// How many bytes are still to come.
    pub fn bytes_left(&self) -> u64 {
        self.left + self.piece.len() as u64
    }

    /// The next piece of so many bytes, or what it takes to have it. A wrong checksum or a size
    /// other than stated fails at the last piece.
    ///
    /// # Errors
    /// When the file is damaged, or packed in a way that is not known here.
    pub fn next_piece(&mut self, length: usize) -> Result<Next, Error> {
        let length = (length as u64).min(self.bytes_left());
        loop {
            let is_full = self.piece.len() as u64 >= length;
            let is_whole = self.left == 0 && !matches!(self.state, State::Ended);
            if is_full && !is_whole {
                return Ok(Next::Piece(std::mem::take(&mut self.piece)));
            }
            let wanted = length.saturating_sub(self.piece.len() as u64);
            let goes_on = match self.state {
                State::Header(..) => self.read_header()?,
                State::Stored => self.copy_stored(wanted)?,
                State::Deflated(_) => self.inflate_some(wanted)?,
                State::Ended => false,
            };
            if !goes_on {
                return Ok(self.wanted_input());
            }
        }
    }

    /// Takes bytes that [`Unpacking::next_piece`] has asked for.
    ///
    /// # Errors
    /// When there are none.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() {
            return Err(Error::of_file(&self.path, CUT_OFF));
        }
        self.input.clear();
        self.input.extend_from_slice(bytes);
        self.used = 0;
        self.at += bytes.len() as u64;
        if !matches!(self.state, State::Header(..)) {
            self.packed = self.packed.saturating_sub(bytes.len() as u64);
        }
        Ok(())
    }

    fn wanted_input(&self) -> Next {
        let most = match &self.state {
            State::Header(_, known) => HEADER_BYTES - known.len(),
            _ => INPUT_BYTES.min(self.packed.try_into().unwrap_or(INPUT_BYTES)),
        };
        Next::Load { start: self.at, most }
    }

    /// Reads the local header: where the packed bytes begin. False: there is not enough of it.
    fn read_header(&mut self) -> Result<bool, Error> {
        let State::Header(method, known) = &mut self.state else { return Ok(true) };
        known.extend(self.input.iter().skip(self.used));
        self.used = self.input.len();
        if known.len() < HEADER_BYTES {
            return Ok(false);
        }
        let length = |at: usize| known.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes);
        let lengths = length(26).zip(length(28)).filter(|_| known.starts_with(HEADER));
        let none = || Error::of_file(&self.path, "is not where the archive says");
        let (name, extra) = lengths.ok_or_else(none)?;
        self.at += u64::from(name) + u64::from(extra);
        if self.at.saturating_add(self.packed) > self.limit {
            return Err(Error::of_file(&self.path, "overlaps what comes after it"));
        }
        self.state = match *method {
            CompressionMethod::Stored => State::Stored,
            CompressionMethod::Deflated => State::Deflated(Box::new(Decompress::new(false))),
            _ => {
                let rule = "is packed in another way than the two that are read: pack it again \
                            with the method Deflate or Store";
                return Err(Error::of_file(&self.path, rule));
            }
        };
        Ok(true)
    }

    /// Copies what is not packed. False: there is no more input.
    fn copy_stored(&mut self, wanted: u64) -> Result<bool, Error> {
        let rest = self.input.get(self.used..).unwrap_or_default();
        if self.left == 0 {
            if !rest.is_empty() || self.packed > 0 {
                return Err(self.longer_than_stated());
            }
            return self.finish_file();
        }
        let length = rest.len().min(wanted.try_into().unwrap_or(usize::MAX));
        let bytes = rest.get(..length).unwrap_or_default();
        self.crc.update(bytes);
        self.piece.extend_from_slice(bytes);
        self.used += length;
        self.left -= length as u64;
        if length == 0 && self.packed == 0 {
            return Err(self.shorter_than_stated());
        }
        Ok(length > 0)
    }

    /// Unpacks some bytes. False: there is no more input.
    fn inflate_some(&mut self, wanted: u64) -> Result<bool, Error> {
        let State::Deflated(inflating) = &mut self.state else { return Ok(true) };
        let rest = self.input.get(self.used..).unwrap_or_default();
        let (taken, given) = (inflating.total_in(), inflating.total_out());
        // Of a file that is whole, one byte more would show that it is longer than stated.
        let (mut more, before) = ([0], self.piece.len());
        let status = if self.left == 0 {
            inflating.decompress(rest, &mut more, FlushDecompress::None)
        } else {
            let room = wanted.min(OUTPUT_BYTES).try_into().unwrap_or(usize::MAX);
            self.piece.resize(before + room, 0);
            let room = self.piece.get_mut(before..).unwrap_or_default();
            inflating.decompress(rest, room, FlushDecompress::None)
        };
        let (taken, given) = (inflating.total_in() - taken, inflating.total_out() - given);
        self.used += usize::try_from(taken).unwrap_or(usize::MAX);
        if self.left == 0 && given > 0 {
            return Err(self.longer_than_stated());
        }
        self.left = self.left.saturating_sub(given);
        self.piece.truncate(before + usize::try_from(given).unwrap_or(usize::MAX));
        self.crc.update(self.piece.get(before..).unwrap_or_default());
        let status = status.map_err(|error| Error::of_file(&self.path, damaged_rule(&error)))?;
        if status == Status::StreamEnd {
            return if self.left == 0 {
                self.finish_file()
            } else {
                Err(self.shorter_than_stated())
            };
        }
        let is_stuck = taken == 0 && given == 0;
        if is_stuck && self.packed == 0 {
            // One that does not say where it ends may be whole all the same.
            return if self.left == 0 {
                self.finish_file()
            } else {
                Err(self.shorter_than_stated())
            };
        }
        Ok(!is_stuck)
    }

    /// The file is whole: is it the right one?
    fn finish_file(&mut self) -> Result<bool, Error> {
        self.state = State::Ended;
        if self.crc32.is_some_and(|stated| stated != self.crc.sum()) {
            return Err(Error::of_file(&self.path, damaged_rule(&"its checksum is another")));
        }
        Ok(true)
    }

    fn shorter_than_stated(&self) -> Error {
        Error::of_file(&self.path, "is shorter than the archive says")
    }

    fn longer_than_stated(&self) -> Error {
        Error::of_file(&self.path, "is longer than the archive says")
    }
}

fn damaged_rule(reason: &dyn std::fmt::Display) -> String {
    format!("is damaged: {reason}")
}

#[cfg(test)]
#[path = "unpack_tests.rs"]
mod tests;
