use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::address::is_absolute;

/// When a unit counts as done (cmi5, 13.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MoveOn {
    /// A passed statement.
    Passed,
    /// A completed statement.
    Completed,
    /// Both.
    CompletedAndPassed,
    /// Either.
    CompletedOrPassed,
    /// From the start.
    NotApplicable,
}

impl MoveOn {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Passed,
        Self::Completed,
        Self::CompletedAndPassed,
        Self::CompletedOrPassed,
        Self::NotApplicable,
    ];

    /// As cmi5 writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "Passed",
            Self::Completed => "Completed",
            Self::CompletedAndPassed => "CompletedAndPassed",
            Self::CompletedOrPassed => "CompletedOrPassed",
            Self::NotApplicable => "NotApplicable",
        }
    }

    /// Whether what was reached is what the unit asks for.
    pub fn is_met(self, completed: bool, passed: bool) -> bool {
        match self {
            Self::Passed => passed,
            Self::Completed => completed,
            Self::CompletedAndPassed => completed && passed,
            Self::CompletedOrPassed => completed || passed,
            Self::NotApplicable => true,
        }
    }
}

/// Which window a unit wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaunchMethod {
    /// Any, a frame included.
    AnyWindow,
    /// A window of its own.
    OwnWindow,
}

/// What a unit expects around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Player {
    /// Nothing but its launch: it records by itself (cmi5).
    #[default]
    None,
    /// The object `API` (SCORM 1.2 and, before it, AICC).
    Scorm12,
    /// The object `API_1484_11` (SCORM 2004).
    Scorm2004,
    /// Nothing: it is done once it was opened.
    Page,
    /// What runs H5P content.
    H5p,
    /// What turns the pages of a book (EPUB).
    Epub,
    /// What shows pages (PDF).
    Pdf,
    /// What shows a text (Markdown).
    Markdown,
    /// What shows a picture.
    Image,
    /// What plays a film.
    Video,
    /// What plays sound.
    Audio,
}

impl Player {
    /// What it is called where courses are stored. None: there is none.
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::None => return None,
            Self::Scorm12 => "scorm-1.2",
            Self::Scorm2004 => "scorm-2004",
            Self::Page => "page",
            Self::H5p => "h5p",
            Self::Epub => "epub",
            Self::Pdf => "pdf",
            Self::Markdown => "markdown",
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
        })
    }
}

/// A course as its manifest describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// The publisher's IRI, or one that was made for it.
    pub id: String,
    /// Title in the first language.
    pub title: String,
    /// Description in the first language; may be empty.
    pub description: String,
    /// The blocks in document order: one stands before those inside it.
    pub blocks: Vec<Block>,
    /// The units in document order, those inside blocks included. At least one.
    pub units: Vec<Unit>,
    /// What of the manifest is not honoured, in sentences.
    pub notes: Vec<String>,
    /// Folders that its units need and the package does not have: libraries (H5P), which other
    /// packages may lend.
    pub lacks: Vec<String>,
}

/// A part of a course that has others.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The publisher's IRI, or one that was made for it; unique in the course.
    pub id: String,
    /// Title in the first language.
    pub title: String,
    /// The block that it stands in, by its position.
    pub parent: Option<usize>,
}

/// One launchable part of a course.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// The publisher's IRI, or one that was made for it; unique in the course.
    pub id: String,
    /// Title in the first language.
    pub title: String,
    /// Launch address: relative to the package, or absolute with http or https; may have a query.
    pub url: String,
    /// What it expects around it.
    pub player: Player,
    /// In which window it runs.
    pub launch_method: LaunchMethod,
    /// Opaque text handed over at launch; empty when there is none.
    pub launch_parameters: String,
    /// When it counts as done.
    pub move_on: MoveOn,
    /// Scaled score from which it counts as passed, 0.0 to 1.0.
    pub mastery_score: Option<f64>,
    /// What a publisher knows a buyer by, handed over at launch; empty when there is none.
    pub entitlement_key: String,
    /// The block that it stands in, by its position in the course.
    pub block: Option<usize>,
}

impl Unit {
    /// A unit that plays a file of its package, and is done once all of it was seen.
    pub fn played(player: Player, id: String, title: String, url: String) -> Self {
        Self {
            id,
            title,
            url,
            player,
            launch_method: LaunchMethod::AnyWindow,
            launch_parameters: String::new(),
            move_on: MoveOn::Completed,
            mastery_score: None,
            entitlement_key: String::new(),
            block: None,
        }
    }

    /// The path in the package that the unit starts with, percent-decoded, without query and
    /// fragment. None: the address is absolute.
    pub fn file_path(&self) -> Option<String> {
        if is_absolute(&self.url) {
            return None;
        }
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        let path = path.strip_prefix("./").unwrap_or(path);
        Some(percent_decode_str(path).decode_utf8_lossy().into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_move_on_is_met_by_what_it_names() {
        use MoveOn::*;
        let met = |completed, passed| {
            [Passed, Completed, CompletedAndPassed, CompletedOrPassed, NotApplicable]
                .map(|move_on| move_on.is_met(completed, passed))
        };
        assert_eq!(met(false, false), [false, false, false, false, true]);
        assert_eq!(met(true, false), [false, true, false, true, true]);
        assert_eq!(met(false, true), [true, false, false, true, true]);
        assert_eq!(met(true, true), [true; 5]);
    }
}
