//! H5P content as pure functions: understanding `h5p.json`, and naming what a package lacks.
//!
//! What is described of the format is at <https://h5p.org/specification>: a package has
//! `h5p.json`, `content/content.json`, and a folder for each library that it needs.

mod json;

use std::collections::BTreeSet;

use hedgeschool_package::{Course, Error, Folder, Format, Player, Unit, address};
use serde::Deserialize;
use uuid::Uuid;

use json::{NumberText, find_servers};

/// What describes the content, in the package's root folder.
const MANIFEST: &str = "h5p.json";
/// The content itself.
const CONTENT: &str = "content/content.json";
/// What describes a library, in the library's folder.
const LIBRARY: &str = "/library.json";
/// Most libraries of a package.
const LIBRARIES_MAX: usize = 500;
/// Most libraries that are named as missing.
const NAMED_MAX: usize = 5;
/// The namespace of every UUID derived here. It never changes: records depend on it.
const NAMESPACE: Uuid = Uuid::from_u128(0x51d8_f0a2_6c3e_4b7b_9a41_07fe_2b90_d36c);

/// H5P content.
pub struct H5p;

/// `h5p.json`, and what of `library.json` is the same.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    #[serde(default)]
    title: String,
    #[serde(default)]
    main_library: String,
    #[serde(default)]
    preloaded_dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    machine_name: String,
    major_version: NumberText,
    minor_version: NumberText,
}

impl Dependency {
    /// The folder that the library is in.
    fn folder_name(&self) -> String {
        let (major, minor) = (&self.major_version.0, &self.minor_version.0);
        format!("{}-{major}.{minor}", self.machine_name)
    }
}

impl Format for H5p {
    fn name(&self) -> &'static str {
        "h5p"
    }

    fn manifest_path(&self) -> Option<&'static str> {
        Some(MANIFEST)
    }

    fn wanted_files(&self, folder: &Folder<'_>) -> Result<Vec<String>, Error> {
        let is_library =
            |path: &&&str| path.strip_suffix(LIBRARY).is_some_and(|folder| !folder.contains('/'));
        let libraries = folder.paths().iter().filter(is_library).map(|path| (*path).to_owned());
        let mut wanted: Vec<_> = libraries.collect();
        if wanted.len() > LIBRARIES_MAX {
            return Err(broken_manifest(format!("has more than {LIBRARIES_MAX} libraries")));
        }
        wanted.push(CONTENT.to_owned());
        Ok(wanted)
    }

    fn read_course(&self, folder: &Folder<'_>) -> Result<Course, Error> {
        let description: Description = parse_json(folder, MANIFEST)?;
        if description.main_library.trim().is_empty() {
            return Err(broken_manifest("names no mainLibrary".to_owned()));
        }
        let lacks = missing_libraries(folder, &description)?;
        let notes = note_remote_files(folder)?.into_iter().collect();
        let title = match description.title.trim() {
            "" => folder.default_title(),
            title => title,
        };
        let title = if title.is_empty() { "Untitled" } else { title }.to_owned();
        let name = format!("{}\n{title}", description.main_library);
        let id = Uuid::new_v5(&NAMESPACE, name.as_bytes()).urn().to_string();
        let unit = format!("{id}#content");
        let manifest = address::of_file(MANIFEST);
        Ok(Course {
            units: vec![Unit::played(Player::H5p, unit, title.clone(), manifest)],
            id,
            title,
            description: String::new(),
            blocks: Vec::new(),
            notes,
            lacks,
        })
    }
}

fn broken_manifest(rule: String) -> Error {
    Error::File { file: MANIFEST.to_owned(), rule }
}

fn parse_json<T: for<'a> Deserialize<'a>>(folder: &Folder<'_>, path: &str) -> Result<T, Error> {
    let text = folder.text(path)?.trim_start_matches('\u{feff}');
    serde_json::from_str(text).map_err(|error| broken_json(path, error))
}

fn broken_json(path: &str, error: serde_json::Error) -> Error {
    Error::File { file: path.to_owned(), rule: format!("is wrong: {error}") }
}

/// The folders of libraries that the content needs, or that these need, and that are not there.
fn missing_libraries(folder: &Folder<'_>, content: &Description) -> Result<Vec<String>, Error> {
    let mut missing = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut left: Vec<String> = library_folders(content).collect();
    while let Some(library) = left.pop() {
        if !seen.insert(library.clone()) {
            continue;
        }
        let path = format!("{library}{LIBRARY}");
        if folder.has_file(&path) {
            left.extend(library_folders(&parse_json(folder, &path)?));
        } else {
            missing.insert(library);
        }
    }
    let main = format!("{}-", content.main_library);
    if !seen.iter().any(|library| library.starts_with(&main)) {
        missing.insert(content.main_library.clone());
    }
    Ok(missing.into_iter().collect())
}

/// The folders of the libraries that a library needs, by its `library.json`.
///
/// # Errors
/// When that is none.
pub fn needed_libraries(library: &str) -> Result<Vec<String>, Error> {
    let folder = Folder::default().with_text(LIBRARY, library.to_owned());
    Ok(library_folders(&parse_json(&folder, LIBRARY)?).collect())
}

/// Why a package is refused whose libraries nobody has.
pub fn libraries_missing(libraries: &[String]) -> Error {
    let named: Vec<_> = libraries.iter().take(NAMED_MAX).map(String::as_str).collect();
    let more = match libraries.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    broken_manifest(format!(
        "needs libraries that neither the package has nor another that is here: {}{more}. Export \
         it with its libraries, or import another one first that has them",
        named.join(", ")
    ))
}

fn library_folders(description: &Description) -> impl Iterator<Item = String> {
    description.preloaded_dependencies.iter().map(Dependency::folder_name)
}

/// Says which files are on other servers: they do not work without a network.
fn note_remote_files(folder: &Folder<'_>) -> Result<Option<String>, Error> {
    let servers = find_servers(folder.text(CONTENT)?.trim_start_matches('\u{feff}'))
        .map_err(|error| broken_json(CONTENT, error))?;
    let servers: Vec<_> = servers.into_iter().take(NAMED_MAX).collect();
    let note = format!(
        "It has sound, pictures or films that are at {}: they need a network that reaches there.",
        servers.join(", ")
    );
    Ok((!servers.is_empty()).then_some(note))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARDS: &str = r#"{"title": "Knots &c.", "mainLibrary": "H5P.Cards", "language": "und",
        "preloadedDependencies": [
          {"machineName": "H5P.Cards", "majorVersion": 1, "minorVersion": "10"}]}"#;

    fn read(manifest: &str, content: &str, libraries: &[(&str, &str)]) -> Result<Course, Error> {
        let paths: Vec<_> = libraries.iter().map(|(path, _)| *path).chain([CONTENT]).collect();
        let mut folder = Folder::new("cards.h5p", paths)
            .with_text(MANIFEST, manifest.to_owned())
            .with_text(CONTENT, content.to_owned());
        for (path, text) in libraries {
            folder = folder.with_text(path, (*text).to_owned());
        }
        assert_eq!(H5p.wanted_files(&folder)?.len(), libraries.len() + 1);
        H5p.read_course(&folder)
    }

    #[test]
    fn content_is_a_course_of_one_unit() {
        let library = [("H5P.Cards-1.10/library.json", "{}")];
        let course = read(CARDS, "{}", &library).unwrap();
        assert_eq!((course.title.as_str(), course.units.len()), ("Knots &c.", 1));
        assert_eq!(course.units[0].player, Player::H5p);
        assert!(course.notes.is_empty());
        let untitled = CARDS.replace("Knots &c.", "");
        assert_eq!(read(&untitled, "{}", &library).unwrap().title, "cards");
    }

    #[test]
    fn libraries_that_are_missing_are_told_of_also_those_of_libraries() {
        assert_eq!(read(CARDS, "{}", &[]).unwrap().lacks, ["H5P.Cards-1.10"]);
        let needs = r#"{"preloadedDependencies": [
            {"machineName": "FontAwesome", "majorVersion": 4, "minorVersion": 5},
            {"machineName": "H5P.Cards", "majorVersion": 1, "minorVersion": 10}]}"#;
        let libraries = [("H5P.Cards-1.10/library.json", needs)];
        assert_eq!(read(CARDS, "{}", &libraries).unwrap().lacks, ["FontAwesome-4.5"]);
        assert_eq!(needed_libraries(needs).unwrap(), ["FontAwesome-4.5", "H5P.Cards-1.10"]);
        let other = CARDS.replace(r#""mainLibrary": "H5P.Cards""#, r#""mainLibrary": "H5P.Quiz""#);
        let course = read(&other, "{}", &[("H5P.Cards-1.10/library.json", "{}")]).unwrap();
        assert_eq!(course.lacks, ["H5P.Quiz"]);
        let many: Vec<_> = (0..9).map(|n| format!("L-{n}.0")).collect();
        assert!(
            libraries_missing(&many).to_string().contains("L-4.0 and 4 more."),
            "{}",
            libraries_missing(&many)
        );
    }

    #[test]
    fn films_on_other_servers_are_told_of() {
        let content = r#"{"video": [{"path": "https://videos.example/a"}, {"path": "b.mp4"}]}"#;
        let course = read(CARDS, content, &[("H5P.Cards-1.10/library.json", "{}")]).unwrap();
        assert!(course.notes[0].contains("at https://videos.example:"), "{:?}", course.notes);
    }

    #[test]
    fn what_is_no_h5p_is_refused_with_its_reason() {
        for (manifest, reason) in [
            ("{", "is wrong: EOF"),
            ("{}", "mainLibrary"),
            (r#"{"title": 1}"#, "is wrong: invalid"),
        ] {
            let refusal = read(manifest, "{}", &[]).unwrap_err().to_string();
            assert!(refusal.contains(reason), "{refusal}");
        }
    }
}
