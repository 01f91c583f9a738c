use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::{Error, Journals, Package, files};

/// Extensions of the files that are looked at in a folder.
const PACKAGES: [&str; 1] = ["zip"];
const JOURNALS: [&str; 3] = ["json", "jsonl", "ndjson"];

/// What to check.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// Course packages, each by itself.
    Packages(Vec<PathBuf>),
    /// Messages of nodes; the files go on from each other.
    Journals(Vec<PathBuf>),
}

/// What came of it, as an exit code; 2 is an [`Error`] that is no refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A node would take all of it.
    Fine = 0,
    /// Something was refused, and the lines say what.
    Refused = 1,
}

impl Request {
    /// Reads a command line, without the program's name.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub fn parse(arguments: &[OsString]) -> Result<Self, Error> {
        let usage = |text: &str| Err(Error::Usage(text.to_owned()));
        let Some((what, paths)) = arguments.split_first() else { return usage("check what?") };
        if paths.is_empty() {
            return usage("which files?");
        }
        let paths = paths.iter().map(PathBuf::from).collect();
        match what.to_str() {
            Some("package") => Ok(Self::Packages(paths)),
            Some("journal") => Ok(Self::Journals(paths)),
            _ => usage("only packages and journals can be checked"),
        }
    }

    /// Checks all of it, and says what it finds as it goes: what is refused does not keep the rest
    /// from being looked at.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be read.
    pub fn run(&self, out: &mut impl Write) -> Result<Verdict, Error> {
        match self {
            Self::Packages(paths) => check_each(paths, &PACKAGES, out, |path| {
                Ok(Package::check_file(path)?.lines().collect())
            }),
            Self::Journals(paths) => {
                let mut journals = Journals::default();
                let verdict = check_each(paths, &JOURNALS, out, |path| {
                    Ok(vec![format!("{} message(s)", journals.take_file(path)?)])
                })?;
                for line in journals.lines() {
                    print_line(out, &line)?;
                }
                Ok(verdict)
            }
        }
    }
}

/// Checks files one after another, and prints what there is to say of each after its name.
fn check_each(
    paths: &[PathBuf],
    extensions: &[&str],
    out: &mut impl Write,
    mut check: impl FnMut(&Path) -> Result<Vec<String>, Error>,
) -> Result<Verdict, Error> {
    let mut verdict = Verdict::Fine;
    for path in paths {
        for file in files::list_files(path, extensions)? {
            let lines = match check(&file) {
                Err(error) if error.is_refusal() => {
                    verdict = Verdict::Refused;
                    vec![format!("refused: {error}")]
                }
                checked => checked?,
            };
            print_line(out, &format!("{}: {}", file.display(), lines.join("\n")))?;
        }
    }
    Ok(verdict)
}

fn print_line(out: &mut impl Write, line: &str) -> Result<(), Error> {
    let failed = |error: io::Error| Error::Io { path: PathBuf::from("standard output"), error };
    writeln!(out, "{line}").map_err(failed)
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
