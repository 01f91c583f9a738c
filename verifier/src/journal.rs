use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use hedgeschool_replication::wire::{BODY_BYTES_MAX, Batch, Entry, Pulled, last_in_order};
use hedgeschool_replication::{Admission, Position, Protocol, protocol};
use hedgeschool_xapi::Facts;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::{Error, files};

/// Largest file, in bytes: some sixty batches. More of them are more files.
const FILE_BYTES_MAX: usize = 64 << 20;

/// Which way a journal travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// To the node above, in batches.
    Up,
    /// To a node below, in answers to its pulls.
    Down,
}

/// Which journal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    node: String,
    journal: String,
    epoch: String,
    way: Way,
}

/// What there was of a journal.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// Where the node that takes them in is, after those that went up.
    position: Position,
    /// The first sequence.
    pub first: u64,
    /// The last one; with two lanes, the largest.
    pub last: u64,
    /// How many entries there were of each kind.
    pub kinds: BTreeMap<String, u64>,
}

/// The journals of the messages read so far.
#[derive(Debug, Default)]
pub struct Journals(BTreeMap<Name, Outline>);

/// What tells the messages apart.
#[derive(Deserialize)]
struct Shape {
    lane: Option<IgnoredAny>,
    journals: Option<IgnoredAny>,
}

impl Journals {
    /// Reads a file of messages, one after another, and checks each as the node that takes it in
    /// does. Answers how many there were.
    ///
    /// # Errors
    /// [`Error::Message`] when a node would refuse one, which is where reading ends; [`Error::Io`]
    /// when the file cannot be read.
    pub fn take_file(&mut self, path: &Path) -> Result<usize, Error> {
        self.take_all(&files::read_file(path, FILE_BYTES_MAX)?)
    }

    /// The same for messages that were read.
    ///
    /// # Errors
    /// [`Error::Message`].
    pub fn take_all(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let messages = serde_json::Deserializer::from_slice(bytes).into_iter::<&RawValue>();
        let mut count = 0;
        for message in messages {
            count += 1;
            let shape = |error: serde_json::Error| Error::Shape(error.to_string());
            let taken = message.map_err(shape).and_then(|message| self.take_message(message.get()));
            taken.map_err(|rule| Error::Message { number: count, rule: Box::new(rule) })?;
        }
        if count == 0 {
            return Err(Error::Shape("the file is empty".into()));
        }
        Ok(count)
    }

    fn take_message(&mut self, message: &str) -> Result<(), Error> {
        let shape = |error: serde_json::Error| Error::Shape(error.to_string());
        match serde_json::from_str(message).map_err(shape)? {
            Shape { lane: Some(_), .. } if message.len() > BODY_BYTES_MAX => {
                Err(Error::Shape(format!("a message has at most {BODY_BYTES_MAX} bytes")))
            }
            Shape { lane: Some(_), .. } => self.take_batch(Batch::parse(message.as_bytes())?),
            Shape { journals: Some(_), .. } => {
                self.take_pages(serde_json::from_str(message).map_err(shape)?)
            }
            _ => Err(Error::Shape("it has neither `lane` nor `journals`".into())),
        }
    }

    /// A batch is applied at one position alone; where the first one begins is taken as it is.
    fn take_batch(&mut self, batch: Batch) -> Result<(), Error> {
        check_entries(&batch.journal, &batch.entries)?;
        let range = batch.range();
        let name =
            Name { node: batch.node, journal: batch.journal, epoch: batch.epoch, way: Way::Up };
        let known = self.0.get(&name).map_or(&range.before, |outline| &outline.position);
        let through = known.through.sequence;
        let position = match range.admission_at(known) {
            Admission::Apply => range.end_position().map_err(|_| Error::Gap(through))?,
            Admission::OutOfOrder => return Err(Error::Gap(through)),
            Admission::Duplicate | Admission::Conflict => return Err(Error::Repeat(through)),
        };
        let outline = self.0.entry(name).or_default();
        outline.position = position;
        outline.add_entries(&batch.entries);
        Ok(())
    }

    /// Pages show where they lead, and not where they begin: nobody sees what is missing between
    /// two of them.
    fn take_pages(&mut self, pulled: Pulled) -> Result<(), Error> {
        for (journal, feed) in pulled.journals {
            let entries = feed.page.entries;
            check_entries(&journal, &entries)?;
            let Some(first) = entries.first() else { continue };
            let bookmark = feed.page.bookmark;
            let node = pulled.node.clone();
            let name = Name { node, journal, epoch: bookmark.epoch, way: Way::Down };
            let outline = self.0.entry(name).or_default();
            if first.sequence <= outline.last {
                return Err(Error::Repeat(outline.last));
            }
            let last = last_in_order(outline.last, &entries);
            last.filter(|last| *last <= bookmark.through).ok_or(Error::Order)?;
            outline.add_entries(&entries);
        }
        Ok(())
    }

    /// What there was, a line for each journal. Texts are quoted, so that none of them looks like
    /// another line.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter(|(_, outline)| outline.last > 0).map(|(name, outline)| {
            let Name { node, journal, epoch, way } = name;
            format!("{journal} of {node:?}, going {way}, epoch {epoch:?}: {outline}")
        })
    }
}

/// Checks what stores check of entries that they take in, as far as pure crates know it.
fn check_entries(journal: &str, entries: &[Entry]) -> Result<(), Error> {
    if !protocol::KINDS.iter().any(|kind| kind.journal == journal) {
        return Err(Error::Journal(journal.to_owned()));
    }
    for Entry { sequence, kind, payload } in entries {
        if !Protocol::OURS.knows(journal, kind) {
            return Err(Error::Kind { sequence: *sequence, kind: kind.clone() });
        }
        if kind == "statement" && Facts::of(payload.get()).is_none() {
            return Err(Error::Statement(*sequence));
        }
    }
    Ok(())
}

impl Outline {
    fn add_entries(&mut self, entries: &[Entry]) {
        for Entry { sequence, kind, .. } in entries {
            self.first = if self.last == 0 { *sequence } else { self.first.min(*sequence) };
            self.last = self.last.max(*sequence);
            *self.kinds.entry(kind.clone()).or_default() += 1;
        }
    }
}

impl fmt::Display for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {};", self.first, self.last)?;
        let mut before = "";
        for (kind, count) in &self.kinds {
            write!(f, "{before} {count} {kind}")?;
            before = ",";
        }
        Ok(())
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Up => "up",
            Self::Down => "down",
        })
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
