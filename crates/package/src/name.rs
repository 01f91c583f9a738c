//! Which names a file of an archive may have.

use std::collections::HashSet;

use crate::Error;
use crate::archive::NAME_BYTES_MAX;

/// Names seen so far, as file systems that ignore case would see them.
#[derive(Default)]
pub struct Names(HashSet<String>);

impl Names {
    /// Adds a name, unless it or one that differs in case only is there already.
    pub fn insert(&mut self, name: &str) -> Result<(), Error> {
        if self.0.insert(name.to_lowercase()) {
            return Ok(());
        }
        Err(Error::file(name, "has the name of another file, or one that differs in case only"))
    }
}

/// The name of an entry, if it is one that means the same path everywhere: relative,
/// `/`-separated, UTF-8. A directory keeps its `/` at the end.
pub fn checked(raw: &[u8]) -> Result<&str, Error> {
    let shown = String::from_utf8_lossy(raw);
    let refused = |rule: &str| Err(Error::file(&shown, rule));
    let Ok(name) = std::str::from_utf8(raw) else { return refused("has a name that is not UTF-8") };
    if name.len() > NAME_BYTES_MAX {
        return refused("has a name that is too long (1,024 bytes at most)");
    }
    if name.contains('\\') {
        return refused("has a backslash in its name");
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
    let path = name.strip_suffix('/').unwrap_or(name);
    if path.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return refused("has an empty, `.` or `..` segment in its name");
    }
    Ok(name)
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
            "a\\b",
            "..\\a",
            ".",
            "a//b",
            "",
            "/",
            "a\0b",
            "a\nb",
            "./a",
        ];
        for name in hostile {
            assert!(checked(name.as_bytes()).is_err(), "{name:?}");
        }
        assert!(checked(b"caf\xe9.html").is_err());
        assert!(checked("a".repeat(NAME_BYTES_MAX + 1).as_bytes()).is_err());
    }

    #[test]
    fn ordinary_names_are_kept() {
        for name in ["index.html", "a/b.js", "a/", "..a/b..", "café/日本.html", "a b:c.txt"] {
            assert_eq!(checked(name.as_bytes()), Ok(name));
        }
    }

    #[test]
    fn names_that_differ_in_case_only_collide() {
        let mut names = Names::default();
        assert!(names.insert("Index.html").is_ok());
        assert!(names.insert("index.HTML").is_err());
        assert!(names.insert("index2.html").is_ok());
    }

    proptest! {
        #[test]
        fn a_name_that_passes_stays_inside(raw in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(name) = checked(&raw) {
                prop_assert!(!name.starts_with('/') && !name.contains('\\'));
                prop_assert!(name.split('/').all(|segment| segment != ".."));
            }
        }
    }
}
