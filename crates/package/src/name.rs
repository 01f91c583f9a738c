//! Which names a file of an archive may have.

use std::collections::HashSet;

use encoding_rs::GBK;

use crate::error::Error;
use crate::limits::NAME_BYTES_MAX;

/// What names are written in that are not UTF-8, and of which the archive does not say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameEncoding {
    /// The IBM PC's characters, as the format has it (APPNOTE, appendix D).
    #[default]
    Cp437,
    /// Chinese, as Windows has it there.
    Gbk,
}

impl NameEncoding {
    /// By its name: `cp437` or `gbk`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "cp437" => Some(Self::Cp437),
            "gbk" => Some(Self::Gbk),
            _ => None,
        }
    }
}

/// Names seen so far, as file systems that ignore case would see them.
#[derive(Default)]
pub struct KnownNames(HashSet<String>);

impl KnownNames {
    /// Adds a name, unless it or one that differs in case only is there already.
    pub fn insert(&mut self, name: &str) -> Result<(), Error> {
        if self.0.insert(name.to_lowercase()) {
            return Ok(());
        }
        Err(Error::of_file(name, "has the name of another file, or one that differs in case only"))
    }
}

/// The name of an entry as text: UTF-8, whether the archive says so or not, else what `names` are
/// in. `by_archive` is CP437, unless the archive says that it is UTF-8. What Info-ZIP says beside
/// it is in both.
pub fn decode_name(raw: &[u8], by_archive: &str, names: NameEncoding) -> Result<String, Error> {
    if let Ok(name) = std::str::from_utf8(raw) {
        return Ok(name.to_owned());
    }
    // No byte of CP437 is that character.
    if by_archive.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Error::of_file(by_archive, "has a name that is not UTF-8"));
    }
    let not_gbk = || Error::of_file(by_archive, "has a name that is neither UTF-8 nor GBK");
    match names {
        NameEncoding::Cp437 => Ok(by_archive.to_owned()),
        NameEncoding::Gbk => {
            let name = GBK.decode_without_bom_handling_and_without_replacement(raw);
            name.map(Into::into).ok_or_else(not_gbk)
        }
    }
}

/// The name of an entry, if it is one that means the same path everywhere: relative and, with
/// Windows' separators put right, `/`-separated. A directory keeps its `/` at the end.
pub fn check_name(name: &str) -> Result<String, Error> {
    let refused = |rule: &str| Err(Error::of_file(name, rule));
    let path = name.replace('\\', "/");
    let name = path.as_str();
    if name.len() > NAME_BYTES_MAX {
        return refused("has a name that is too long (1,024 bytes at most)");
    }
    if name.chars().any(char::is_control) {
        return refused("has a control character in its name");
    }
    if name.starts_with('/') {
        return refused("has an absolute name");
    }
    if has_drive_letter(name) {
        return refused("has a name that starts with a drive letter");
    }
    let segments = name.strip_suffix('/').unwrap_or(name);
    if segments.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return refused("has an empty, `.` or `..` segment in its name");
    }
    Ok(path)
}

fn has_drive_letter(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic()) && characters.next() == Some(':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_could_leave_the_package_are_refused() {
        let hostile = [
            "../a",
            "a/../b",
            "a/..",
            "/etc/passwd",
            "//host/a",
            "C:a",
            "c:/a",
            "..\\a",
            "a\\..\\b",
            "\\\\host\\a",
            "\\a",
            "C:\\a",
            ".",
            "a//b",
            "",
            "/",
            "a\0b",
            "a\nb",
            "./a",
        ];
        for name in hostile {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert!(check_name(&"a".repeat(NAME_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn ordinary_names_are_kept() {
        for name in ["index.html", "a/b.js", "a/", "..a/b..", "café/日本.html", "a b:c.txt"] {
            assert_eq!(check_name(name).as_deref(), Ok(name));
        }
        assert_eq!(check_name("a\\b\\c.js").as_deref(), Ok("a/b/c.js"));
    }

    #[test]
    fn names_are_utf_8_or_what_the_archive_takes_them_for() {
        let cp437 = |raw, by_archive| decode_name(raw, by_archive, NameEncoding::Cp437);
        assert_eq!(cp437("é".as_bytes(), "├⌐").as_deref(), Ok("é"));
        assert_eq!(cp437(b"caf\x82", "café").as_deref(), Ok("café"));
        assert!(cp437(b"caf\xe9", "caf\u{fffd}").is_err());
    }

    #[test]
    fn names_are_chinese_where_that_is_set() {
        let gbk = |raw, by_archive| decode_name(raw, by_archive, NameEncoding::Gbk);
        assert_eq!(
            gbk(b"\xbf\xce\xb3\xcc/\x81\x5c.htm", "┐╬│╠/ü\\.htm").as_deref(),
            Ok("课程/乗.htm")
        );
        assert_eq!(gbk("课".as_bytes(), "Φ»╛").as_deref(), Ok("课"));
        assert!(gbk(b"\xff.htm", " .htm").is_err());
        assert!(gbk(b"caf\xe9", "caf\u{fffd}").is_err());
        assert_eq!(
            [NameEncoding::from_name("GBK"), NameEncoding::from_name("big5")],
            [Some(NameEncoding::Gbk), None]
        );
    }

    #[test]
    fn names_that_differ_in_case_only_collide() {
        let mut names = KnownNames::default();
        assert!(names.insert("Index.html").is_ok());
        assert!(names.insert("index.HTML").is_err());
        assert!(names.insert("index2.html").is_ok());
    }

    proptest! {
        #[test]
        fn a_name_that_passes_stays_inside(raw in "[a-c./\\\\:\u{0}-\u{2}]{0,12}") {
            if let Ok(name) = check_name(&raw) {
                prop_assert!(!name.starts_with('/') && !name.contains('\\'));
                prop_assert!(name.split('/').all(|segment| segment != ".."));
            }
        }
    }
}
