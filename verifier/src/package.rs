use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use hedgeschool_formats::ALL;
use hedgeschool_package::archive::{Entry, NameEncoding, Next, Step, Unpacking};
use hedgeschool_package::{Course, Opening, Unit};

use crate::Error;

/// How many bytes of a file are unpacked at once.
const PIECE_BYTES: usize = 256 << 10;

/// What a package holds that an import would take.
#[derive(Debug)]
pub struct Package {
    /// The course.
    pub course: Course,
    /// How many files there are, its manifest included.
    pub files: usize,
    /// Bytes of all of them, unpacked.
    pub bytes: u64,
}

impl Package {
    /// Reads a package and checks all of it: its entries, its manifest, and every file to its
    /// checksum.
    ///
    /// # Errors
    /// [`Error::Package`] when an import would refuse it, [`Error::Io`] when it cannot be read.
    pub fn check_file(path: &Path) -> Result<Self, Error> {
        let mut file = PackageFile::open(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut opening = Opening::new(file.size, &name, NameEncoding::default(), ALL);
        let contents = loop {
            match opening.step()? {
                Step::Done(contents) => break contents,
                Step::Load(range) => opening.load(range.start, file.read_range(&range)?)?,
            }
        };
        for entry in &contents.entries {
            file.check_entry(entry)?;
        }
        let bytes = contents.entries.iter().map(|entry| entry.size).sum();
        Ok(Self { course: contents.course, files: contents.entries.len(), bytes })
    }

    /// What it holds, for people: the course, then a line for each unit. Texts are quoted, so that
    /// none of them looks like another line.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let Course { id, title, units, .. } = &self.course;
        let (files, bytes) = (self.files, self.bytes);
        let course = format!(
            "course {title:?} {id:?}: {} unit(s), {files} file(s), {bytes} bytes",
            units.len()
        );
        let unit =
            |Unit { id, title, url, .. }: &Unit| format!("  unit {title:?} {id:?} at {url:?}");
        [course].into_iter().chain(units.iter().map(unit))
    }
}

/// A package on the disk, of which parts are read.
struct PackageFile {
    file: File,
    path: PathBuf,
    size: u64,
}

impl PackageFile {
    fn open(path: &Path) -> Result<Self, Error> {
        let io = |error| Error::Io { path: path.to_owned(), error };
        let file = File::open(path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        Ok(Self { file, path: path.to_owned(), size })
    }

    /// A part of it; shorter at its end.
    fn read_range(&mut self, range: &Range<u64>) -> Result<Vec<u8>, Error> {
        let mut read = || -> io::Result<_> {
            let mut bytes = Vec::new();
            self.file.seek(SeekFrom::Start(range.start))?;
            self.file.by_ref().take(range.end - range.start).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|error| Error::Io { path: self.path.clone(), error })
    }

    /// Unpacks a file, to its checksum.
    fn check_entry(&mut self, entry: &Entry) -> Result<(), Error> {
        let mut unpacking = Unpacking::new(entry);
        loop {
            match unpacking.next_piece(PIECE_BYTES)? {
                Next::Piece(_) if unpacking.bytes_left() == 0 => return Ok(()),
                Next::Piece(_) => {}
                Next::Load { start, most } => {
                    let part = self.read_range(&(start..start.saturating_add(most as u64)))?;
                    unpacking.load(&part)?;
                }
            }
        }
    }
}
