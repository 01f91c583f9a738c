//! Documents, pictures, sound and films as courses: a file by itself, or a zip of files without a
//! manifest. Each file that a browser shows is a unit, each folder a block.

mod captions;
mod kind;
mod outline;
mod path;

use hedgeschool_package::{Certainty, Course, Error, Folder, Format, Player, Unit, address};
use uuid::Uuid;

use kind::{Kind, is_plausible};
use outline::Outline;
use path::{common_folder, folder_of};

/// Most texts in which other files are looked for, and most units.
const LESSONS_MAX: usize = 1_000;
/// Most bytes of all texts together, times the files whose names are looked for there.
const SEARCHED_BYTES_MAX: u64 = 8 << 30;
/// Most files that are named in a note.
const NAMED_MAX: usize = 5;
/// The namespace of every UUID derived here. It never changes: records depend on it.
const NAMESPACE: Uuid = Uuid::from_u128(0xe3a1_4c70_95d2_4b06_a6f8_8c1d_70b5_2e94);

/// Packages of files to look at, to listen to, or to read.
pub struct Documents;

impl Format for Documents {
    fn name(&self) -> &'static str {
        "documents"
    }

    fn certainty(&self) -> Certainty {
        Certainty::Document
    }

    fn manifest_path(&self) -> Option<&'static str> {
        None
    }

    fn known_by(&self) -> &'static str {
        "a document (PDF, EPUB, Markdown, HTML), a picture, sound or a film"
    }

    fn find_roots<'a>(&self, paths: &[&'a str]) -> Vec<&'a str> {
        let mut lessons = paths.iter().filter(|path| is_known(path));
        let Some(first) = lessons.next() else { return Vec::new() };
        let common = lessons.fold(folder_of(first), |common, path| common_folder(common, path));
        vec![common]
    }

    fn wanted_files(&self, folder: &Folder<'_>) -> Result<Vec<String>, Error> {
        let is_text = |path: &&&str| Kind::of_path(path).player() == Some(Player::Markdown);
        let texts = folder.paths().iter().filter(is_text).map(|path| (*path).to_owned());
        let texts: Vec<_> = texts.collect();
        check_count(texts.len())?;
        Ok(texts)
    }

    fn read_course(&self, folder: &Folder<'_>) -> Result<Course, Error> {
        let mut lessons = find_lessons(folder)?;
        check_count(lessons.len())?;
        alphanumeric_sort::sort_str_slice(&mut lessons);
        let title = match folder.default_title() {
            "" => "Untitled",
            title => title,
        };
        let id = Uuid::new_v5(&NAMESPACE, title.as_bytes()).urn().to_string();
        let mut outline = Outline::new(&id);
        let units = lessons.iter().map(|path| {
            Ok(Unit {
                launch_parameters: captions::player_parameters(folder, path),
                block: outline.block_of(path)?,
                ..lesson_unit(&id, path)
            })
        });
        let units = units.collect::<Result<_, Error>>()?;
        Ok(Course {
            units,
            title: title.to_owned(),
            description: String::new(),
            blocks: outline.blocks,
            notes: note_unshown(folder),
            lacks: Vec::new(),
            id,
        })
    }

    fn check_alone(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        if let Kind::Unshown(advice) = Kind::of_path(name) {
            return Err(broken_rule(name, format!("is nothing that browsers show: {advice}")));
        }
        if is_plausible(name, bytes) {
            return Ok(());
        }
        Err(broken_rule(
            name,
            "is not what its name says: open it in an app, and save it anew".into(),
        ))
    }
}

fn broken_rule(file: &str, rule: String) -> Error {
    Error::File { file: file.to_owned(), rule }
}

/// Whether it is a lesson, or something of which one could be made.
fn is_known(path: &str) -> bool {
    matches!(Kind::of_path(path), Kind::Lesson(_) | Kind::Unshown(_))
}

fn check_count(lessons: usize) -> Result<(), Error> {
    if lessons <= LESSONS_MAX {
        return Ok(());
    }
    Err(Error::TooLarge(format!("has more than {LESSONS_MAX} documents: import it in parts")))
}

/// Refuses a package of which looking for files' names in its texts would take long.
fn check_search(text_bytes: usize, names: usize) -> Result<(), Error> {
    if (text_bytes as u64).saturating_mul(names as u64) <= SEARCHED_BYTES_MAX {
        return Ok(());
    }
    let rule = "has too much text and too many files beside it: import it in parts";
    Err(Error::TooLarge(rule.into()))
}

/// What is to be shown: what no text has in it, nor names to be opened from there.
fn find_lessons<'a>(folder: &Folder<'a>) -> Result<Vec<&'a str>, Error> {
    let all = folder.paths().iter().copied().filter(|path| Kind::of_path(path).player().is_some());
    let all: Vec<_> = all.collect();
    let texts: Vec<_> = all.iter().filter_map(|path| folder.text(path).ok()).collect();
    check_search(texts.iter().map(|text| text.len()).sum(), all.len() - texts.len())?;
    let is_part = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let names = [name.to_owned(), address::of_file(name)];
        Kind::of_path(path).player() != Some(Player::Markdown)
            && texts.iter().any(|text| names.iter().any(|name| text.contains(name.as_str())))
    };
    let shown: Vec<_> = all.into_iter().filter(|path| !is_part(path)).collect();
    let first = folder.paths().iter().find_map(|path| match Kind::of_path(path) {
        Kind::Unshown(advice) => Some((path, advice)),
        _ => None,
    });
    match first {
        Some((path, advice)) if shown.is_empty() => {
            Err(broken_rule(path, format!("is nothing that browsers show: {advice}")))
        }
        _ => Ok(shown),
    }
}

fn lesson_unit(course: &str, path: &str) -> Unit {
    let player = Kind::of_path(path).player().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or(path);
    let title = name.rsplit_once('.').map_or(name, |(stem, _)| stem).trim();
    let title = if title.is_empty() { name } else { title };
    let id = format!("{course}#{}", address::of_file(path));
    Unit::played(player, id, title.to_owned(), address::of_file(path))
}

/// Says which files are no units, and what helps.
fn note_unshown(folder: &Folder<'_>) -> Vec<String> {
    let advice = |path: &&str| match Kind::of_path(path) {
        Kind::Unshown(advice) => Some(format!("{path:?} is not shown: {advice}.")),
        _ => None,
    };
    folder.paths().iter().filter_map(advice).take(NAMED_MAX).collect()
}

#[cfg(test)]
mod tests;
