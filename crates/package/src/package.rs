use std::collections::VecDeque;
use std::ops::Range;

use crate::archive::{Archive, ArchiveOpening, Entry, NameEncoding, Next, Step, Unpacking};
use crate::course::Course;
use crate::document::{decode_text, is_xml};
use crate::error::Error;
use crate::format::{Folder, Format};
use crate::limits::{MANIFEST_BYTES_MAX, PACKAGE_BYTES_MAX, READ_BYTES_MAX};
use crate::memory::{FileReader, slice_range};
use crate::name::check_name;

/// How much is looked at to see what a package is, in bytes.
const BEGINNING_BYTES: u64 = 1 << 20;
/// How a zip begins (APPNOTE 4.3.7), also an empty one.
const ZIP: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// What is in a course package that may be imported: a zip, a document, or a manifest alone.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The course.
    pub course: Course,
    /// The files, the manifest included, in the archive's order.
    pub entries: Vec<Entry>,
}

/// A course package that is being opened by somebody who loads of it what is looked at.
pub struct Opening<'f> {
    size: u64,
    name: String,
    names: NameEncoding,
    formats: &'f [&'f dyn Format],
    stage: Stage<'f>,
}

enum Stage<'f> {
    /// What it is shows at its beginning.
    Beginning,
    /// A manifest without an archive, as far as it is here.
    Document(Vec<u8>),
    Listing(ArchiveOpening),
    Reading(Box<Reading<'f>>),
    Done(Contents),
}

impl<'f> Opening<'f> {
    /// Begins with a package of so many bytes. `name` is the file as its sender calls it; empty if
    /// that is not known. `names` is what names in an archive are in, if not in UTF-8.
    pub fn new(size: u64, name: &str, names: NameEncoding, formats: &'f [&'f dyn Format]) -> Self {
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        Self { size, name, names, formats, stage: Stage::Beginning }
    }

    /// Goes on with what is here: finds the surest format and, of those, the first whose manifest
    /// is there, in the folder that is nearest to the root. Checks the archive's entries, reads its
    /// manifest, and finds the file of every unit. No other file is unpacked yet, so a damaged one
    /// shows only when it is read.
    ///
    /// # Errors
    /// For what breaks a rule of archives or of the format.
    pub fn step(&mut self) -> Result<Step<Contents>, Error> {
        if self.size > PACKAGE_BYTES_MAX {
            return Err(Error::TooLarge(format!("has more than {PACKAGE_BYTES_MAX} bytes")));
        }
        loop {
            match &mut self.stage {
                Stage::Beginning => return Ok(Step::Load(0..self.size.min(BEGINNING_BYTES))),
                Stage::Document(bytes) if (bytes.len() as u64) < self.size => {
                    let start = bytes.len() as u64;
                    return Ok(Step::Load(start..self.size.min(start + BEGINNING_BYTES)));
                }
                Stage::Document(bytes) => {
                    let course = read_alone(bytes, self.formats)?;
                    return Ok(Step::Done(Contents { course, entries: Vec::new() }));
                }
                Stage::Listing(opening) => match opening.step()? {
                    Step::Load(range) => return Ok(Step::Load(range)),
                    Step::Done(archive) => {
                        let reading = Reading::new(archive, self.formats)?;
                        self.stage = Stage::Reading(Box::new(reading));
                    }
                },
                Stage::Reading(reading) => return reading.step(&self.name),
                Stage::Done(contents) => return Ok(Step::Done(contents.clone())),
            }
        }
    }

    /// Takes what [`Opening::step`] has asked for: all of it that is there.
    ///
    /// # Errors
    /// For what breaks a rule.
    pub fn load(&mut self, start: u64, bytes: Vec<u8>) -> Result<(), Error> {
        match &mut self.stage {
            Stage::Beginning => self.stage = self.recognise(bytes)?,
            Stage::Document(known) if bytes.is_empty() => {
                return Err(Error::Archive(format!("it ends after {} bytes", known.len())));
            }
            Stage::Document(known) => known.extend(bytes),
            Stage::Listing(opening) => opening.load(start, bytes)?,
            Stage::Reading(reading) => reading.load(&bytes)?,
            Stage::Done(_) => {}
        }
        Ok(())
    }

    /// Looks what it is.
    fn recognise(&self, bytes: Vec<u8>) -> Result<Stage<'f>, Error> {
        let (size, name) = (self.size, self.name.as_str());
        let listing = || Stage::Listing(ArchiveOpening::new(size, self.names));
        if ZIP.iter().any(|zip| bytes.starts_with(zip)) {
            return Ok(listing());
        }
        if let Some(format) =
            self.formats.iter().find(|format| !format.find_roots(&[name]).is_empty())
        {
            check_name(name)?;
            format.check_alone(name, whole_characters(&bytes, size))?;
            let course = format.read_course(&Folder::new(name, vec![name]))?;
            return Ok(Stage::Done(Contents {
                course,
                entries: vec![Entry::unarchived(name, size)],
            }));
        }
        if is_xml(&bytes) {
            let first = self.formats.first().and_then(|format| format.manifest_path());
            check_size(first.unwrap_or("manifest"), size)?;
            return Ok(Stage::Document(bytes));
        }
        Ok(listing())
    }
}

/// The beginning of a file of some size, without a part of a character at its end.
fn whole_characters(bytes: &[u8], size: u64) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if (bytes.len() as u64) < size && error.error_len().is_none() => {
            bytes.get(..error.valid_up_to()).unwrap_or(bytes)
        }
        _ => bytes,
    }
}

/// An archive whose format is known, while the files are read that say what the course is.
struct Reading<'f> {
    archive: Archive,
    format: &'f dyn Format,
    /// Files that were read.
    texts: Vec<(String, String)>,
    /// Files to be read.
    wanted: VecDeque<String>,
    /// The first of those.
    unpacking: Option<(Unpacking, usize)>,
    /// Bytes of those that were read, and of the first.
    read_bytes: u64,
    /// The format has said what it wants.
    is_asked: bool,
}

impl<'f> Reading<'f> {
    fn new(mut archive: Archive, formats: &[&'f dyn Format]) -> Result<Self, Error> {
        let (format, root) = find_format(archive.entries(), formats)?;
        if !root.is_empty() {
            archive.enter_folder(&root);
        }
        let wanted = format.manifest_path().map(str::to_owned).into_iter().collect();
        let (texts, unpacking, read_bytes, is_asked) = (Vec::new(), None, 0, false);
        Ok(Self { archive, format, texts, wanted, unpacking, read_bytes, is_asked })
    }

    fn step(&mut self, name: &str) -> Result<Step<Contents>, Error> {
        loop {
            if let Some(path) = self.wanted.front() {
                if let Some(range) = self.read_wanted(&path.clone())? {
                    return Ok(Step::Load(range));
                }
                continue;
            }
            let paths = self.archive.entries().iter().map(|entry| entry.path.as_str()).collect();
            let mut folder = Folder::new(name, paths);
            if !self.is_asked {
                for (path, text) in &self.texts {
                    folder = folder.with_text(path, text.clone());
                }
                self.wanted = self.format.wanted_files(&folder)?.into();
                self.is_asked = true;
                continue;
            }
            for (path, text) in std::mem::take(&mut self.texts) {
                folder = folder.with_text(&path, text);
            }
            let course = self.format.read_course(&folder)?;
            return Ok(Step::Done(Contents { course, entries: self.archive.entries().to_vec() }));
        }
    }

    /// Reads the first file that is wanted. None: it is read; else what has to be loaded first.
    fn read_wanted(&mut self, path: &str) -> Result<Option<Range<u64>>, Error> {
        let (unpacking, size) = match &mut self.unpacking {
            Some(underway) => underway,
            none => {
                let missing = || Error::of_file(path, "is missing");
                let entry = self.archive.find_entry(path).ok_or_else(missing)?;
                check_size(path, entry.size)?;
                self.read_bytes += entry.size;
                if self.read_bytes > READ_BYTES_MAX {
                    let rule = format!("has more than {READ_BYTES_MAX} bytes of descriptions");
                    return Err(Error::TooLarge(rule));
                }
                let size = entry.size.try_into().unwrap_or(usize::MAX);
                none.insert((Unpacking::new(entry), size))
            }
        };
        match unpacking.next_piece(*size)? {
            Next::Load { start, most } => Ok(Some(start..start.saturating_add(most as u64))),
            Next::Piece(bytes) => {
                self.texts.push((path.to_owned(), decode_manifest(path, &bytes)?));
                self.unpacking = None;
                self.wanted.pop_front();
                Ok(None)
            }
        }
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.unpacking.as_mut().map_or(Ok(()), |(unpacking, _)| unpacking.load(bytes))
    }
}

/// A course package in memory.
pub struct Package<B> {
    bytes: B,
    contents: Contents,
}

impl<B: AsRef<[u8]>> Package<B> {
    /// Opens a package, as [`Opening`] does.
    ///
    /// # Errors
    /// For what breaks a rule of archives or of the format.
    pub fn open(bytes: B, name: &str, formats: &[&dyn Format]) -> Result<Self, Error> {
        let all = bytes.as_ref();
        let mut opening = Opening::new(all.len() as u64, name, NameEncoding::default(), formats);
        let contents = loop {
            match opening.step()? {
                Step::Done(contents) => break contents,
                Step::Load(range) => {
                    opening.load(range.start, slice_range(all, &range).to_vec())?
                }
            }
        };
        Ok(Self { bytes, contents })
    }

    /// The course.
    pub fn course(&self) -> &Course {
        &self.contents.course
    }

    /// The files, the manifest included, in the archive's order.
    pub fn entries(&self) -> &[Entry] {
        &self.contents.entries
    }

    /// Starts unpacking the file at a position of [`Package::entries`].
    ///
    /// # Errors
    /// When there is no such file.
    pub fn open_file(&self, position: usize) -> Result<FileReader<'_>, Error> {
        let missing = || Error::Archive(format!("it has no file number {position}"));
        let entry = self.entries().get(position).ok_or_else(missing)?;
        Ok(FileReader::new(self.bytes.as_ref(), entry))
    }
}

/// The format that the package is surely of and whose manifest is nearest to the root, and the
/// folder that has it, which is the package: tools and people put a folder around everything.
fn find_format<'a>(
    entries: &[Entry],
    formats: &[&'a dyn Format],
) -> Result<(&'a dyn Format, String), Error> {
    let paths: Vec<_> = entries.iter().map(|entry| entry.path.as_str()).collect();
    let mut found = Vec::new();
    for (rank, format) in formats.iter().enumerate() {
        for root in format.find_roots(&paths) {
            let depth = if root.is_empty() { 0 } else { root.matches('/').count() + 1 };
            found.push(((format.certainty(), depth), rank, root));
        }
    }
    found.sort_unstable();
    let known = || formats.iter().map(|format| format.known_by()).collect::<Vec<_>>().join(", ");
    let Some((place, rank, root)) = found.first() else { return Err(Error::Unknown(known())) };
    let beside = found.iter().find(|(other, _, folder)| other == place && folder != root);
    if let Some((_, _, folder)) = beside {
        let rule = format!("is a package, and {folder:?} is another: import one at a time");
        return Err(Error::of_file(root, rule));
    }
    let format = formats.get(*rank).ok_or_else(|| Error::Unknown(known()))?;
    Ok((*format, (*root).to_owned()))
}

fn read_alone(bytes: &[u8], formats: &[&dyn Format]) -> Result<Course, Error> {
    let first = formats.first().and_then(|format| format.manifest_path()).unwrap_or("manifest");
    let manifest = decode_manifest(first, bytes)?;
    let mut read = formats.iter().filter_map(|format| format.read_alone(&manifest));
    read.next().unwrap_or_else(|| Err(Error::Archive("it is a document, and no archive".into())))
}

fn decode_manifest(path: &str, bytes: &[u8]) -> Result<String, Error> {
    decode_text(bytes).ok_or_else(|| Error::of_file(path, "is neither UTF-8 nor UTF-16"))
}

fn check_size(path: &str, bytes: u64) -> Result<(), Error> {
    if bytes <= MANIFEST_BYTES_MAX {
        return Ok(());
    }
    Err(Error::of_file(path, format!("has more than {MANIFEST_BYTES_MAX} bytes")))
}
