use hedgeschool_package::Player;

/// What a file is, as far as lessons go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something that a player shows.
    Lesson(Player),
    /// Words that go with a film or sound.
    Captions,
    /// Something that no browser shows; says what helps.
    Unshown(&'static str),
    /// Something else.
    Other,
}

const AS_PDF: &str = "save it as PDF and import that";
const AS_MP4: &str = "save it as MP4 (H.264) and import that";
const AS_JPEG: &str = "save it as JPEG or PNG and import that";
const AS_MP3: &str = "save it as MP3 and import that";

impl Kind {
    /// By the extension of the file's name.
    pub fn of_path(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or_default();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        match extension.to_ascii_lowercase().as_str() {
            "pdf" => Self::Lesson(Player::Pdf),
            "md" | "markdown" => Self::Lesson(Player::Markdown),
            "html" | "htm" => Self::Lesson(Player::Page),
            "jpg" | "jpeg" | "png" | "gif" | "webp" | "avif" | "svg" => Self::Lesson(Player::Image),
            "mp4" | "m4v" | "webm" | "ogv" => Self::Lesson(Player::Video),
            "mp3" | "m4a" | "aac" | "ogg" | "oga" | "opus" | "wav" | "flac" => {
                Self::Lesson(Player::Audio)
            }
            "vtt" | "srt" => Self::Captions,
            "doc" | "docx" | "odt" | "rtf" | "ppt" | "pptx" | "odp" | "xls" | "xlsx" | "ods" => {
                Self::Unshown(AS_PDF)
            }
            "avi" | "mov" | "mkv" | "wmv" | "flv" | "mpg" | "mpeg" | "3gp" => Self::Unshown(AS_MP4),
            "heic" | "heif" | "tif" | "tiff" | "bmp" => Self::Unshown(AS_JPEG),
            "wma" | "amr" | "mid" | "midi" => Self::Unshown(AS_MP3),
            _ => Self::Other,
        }
    }

    /// The player, of a lesson.
    pub fn player(self) -> Option<Player> {
        match self {
            Self::Lesson(player) => Some(player),
            _ => None,
        }
    }
}

/// Whether bytes may be what the file's name says: for kinds that have a signature, they have it.
pub fn is_plausible(path: &str, bytes: &[u8]) -> bool {
    let is = |kinds: &[infer::MatcherType]| {
        infer::get(bytes).is_some_and(|found| kinds.contains(&found.matcher_type()))
    };
    use infer::MatcherType::{Audio, Image, Video};
    match Kind::of_path(path).player() {
        // Readers find the beginning among the first bytes (ISO 32000-1, annex H.3.4.1).
        Some(Player::Pdf) => {
            let start = bytes.get(..1_024).unwrap_or(bytes);
            start.windows(5).any(|five| five == b"%PDF-")
        }
        Some(Player::Markdown) => std::str::from_utf8(bytes).is_ok(),
        // That one is a text.
        Some(Player::Image) if path.to_ascii_lowercase().ends_with(".svg") => true,
        Some(Player::Image) => is(&[Image]),
        // One container may have either.
        Some(Player::Video | Player::Audio) => is(&[Audio, Video]),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_extension_says() {
        assert_eq!(Kind::of_path("a/B.PDF"), Kind::Lesson(Player::Pdf));
        assert_eq!(Kind::of_path("a.en.vtt"), Kind::Captions);
        assert_eq!(Kind::of_path("a.docx"), Kind::Unshown(AS_PDF));
        for other in ["pdf", "a", "a.pdf/b", ""] {
            assert_eq!(Kind::of_path(other), Kind::Other, "{other}");
        }
    }

    #[test]
    fn what_is_something_else_is_seen() {
        assert!(is_plausible("a.pdf", b"\n%PDF-1.7\n"));
        assert!(!is_plausible("a.pdf", b"<html>"));
        assert!(is_plausible("a.png", b"\x89PNG\r\n\x1a\n"));
        assert!(is_plausible("a.mp4", b"\0\0\0\x20ftypisom\0\0\0\0isomiso2"));
        assert!(!is_plausible("a.mp4", b"<html>"));
        assert!(is_plausible("a.md", b"# A") && !is_plausible("a.md", b"\xff\xfe"));
    }
}
