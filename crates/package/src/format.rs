use std::collections::{HashMap, HashSet};

use crate::course::Course;
use crate::error::Error;

/// How surely a package that has a format's files is of that format: the surest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// It has the manifest of the format.
    Manifest,
    /// It has a page to begin with, as other formats may.
    Page,
    /// It has something to show, as all may.
    Document,
}

/// A format of course packages.
pub trait Format: Sync {
    /// What it is called where somebody names it.
    fn name(&self) -> &'static str;

    /// How surely a package is of this format that has [`Format::find_roots`].
    fn certainty(&self) -> Certainty {
        Certainty::Manifest
    }

    /// The file that describes a course, in the package's root folder. None: there is no such
    /// file, and [`Format::find_roots`] says how packages are known.
    fn manifest_path(&self) -> Option<&'static str>;

    /// What a package of this format has, for people.
    fn known_by(&self) -> &'static str {
        self.manifest_path().unwrap_or_else(|| self.name())
    }

    /// The folders, without `/` at their end, in which packages of this format are, among files of
    /// these paths.
    fn find_roots<'a>(&self, paths: &[&'a str]) -> Vec<&'a str> {
        let Some(manifest) = self.manifest_path() else { return Vec::new() };
        let folder = |path: &&'a str| {
            let root = path.strip_suffix(manifest)?;
            (root.is_empty() || root.ends_with('/')).then(|| root.trim_end_matches('/'))
        };
        paths.iter().filter_map(folder).collect()
    }

    /// Which files it has to read beside the manifest.
    ///
    /// # Errors
    /// For what breaks a rule of the format.
    fn wanted_files(&self, folder: &Folder<'_>) -> Result<Vec<String>, Error> {
        let _ = folder;
        Ok(Vec::new())
    }

    /// Reads the course.
    ///
    /// # Errors
    /// For what breaks a rule of the format.
    fn read_course(&self, folder: &Folder<'_>) -> Result<Course, Error>;

    /// Whether a file that was sent by itself, and that [`Format::find_roots`] finds a package, is
    /// what its name says.
    ///
    /// # Errors
    /// When it is something else.
    fn check_alone(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let _ = (name, bytes);
        Ok(())
    }

    /// Reads a manifest that comes alone, without an archive. None: it is of another format.
    ///
    /// # Errors
    /// As [`Format::read_course`].
    fn read_alone(&self, manifest: &str) -> Option<Result<Course, Error>> {
        let _ = manifest;
        None
    }
}

/// The folder that is a package: which files it has, and the text of those that are read.
#[derive(Debug, Default)]
pub struct Folder<'a> {
    name: &'a str,
    paths: Vec<&'a str>,
    known: HashSet<&'a str>,
    texts: HashMap<String, String>,
}

impl<'a> Folder<'a> {
    /// A folder with files at these paths from it, none of which is read yet. `name` is the file
    /// that was sent, as its sender calls it; empty if that is not known.
    pub fn new(name: &'a str, paths: Vec<&'a str>) -> Self {
        let known = paths.iter().copied().collect();
        Self { name, paths, known, texts: HashMap::new() }
    }

    /// The same with the text of a file.
    #[must_use]
    pub fn with_text(mut self, path: &str, text: String) -> Self {
        self.texts.insert(path.to_owned(), text);
        self
    }

    /// Whether there is a file at a path.
    pub fn has_file(&self, path: &str) -> bool {
        self.known.contains(path)
    }

    /// All files, in the archive's order.
    pub fn paths(&self) -> &[&'a str] {
        &self.paths
    }

    /// The text of a file.
    ///
    /// # Errors
    /// When it is not there, or was not wanted.
    pub fn text(&self, path: &str) -> Result<&str, Error> {
        let text = self.texts.get(path).map(String::as_str);
        text.ok_or_else(|| Error::of_file(path, "is missing"))
    }

    /// What was sent is called this, without folders, and without what says of which kind it is.
    pub fn default_title(&self) -> &'a str {
        let name = self.name.rsplit(['/', '\\']).next().unwrap_or_default();
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        if stem.is_empty() { name } else { stem }.trim()
    }
}
