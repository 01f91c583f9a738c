//! Prose has lines short enough to be read beside others: at most [`COLUMNS_MAX`] columns. Code is
//! rustfmt's to break; long strings are nobody's.

use std::path::Path;
use std::process::Command;
use std::{fs, str};

use anyhow::{Result, ensure};

use crate::command;
use crate::progress::say;

/// Most columns of a line.
const COLUMNS_MAX: usize = 100;
/// What is looked at: what people write and read.
const ENDINGS: [&str; 7] = ["md", "rs", "toml", "wit", "css", "js", "html"];
/// Most lines that are named.
const NAMED_MAX: usize = 20;

/// Looks at all files that Git knows.
pub fn check_lines(root: &Path) -> Result<()> {
    let listed = command::read_output(Command::new("git").arg("ls-files").current_dir(root))?;
    let mut long = Vec::new();
    for name in listed.lines().filter(|name| is_read_by_people(name)) {
        // A file may have been removed and not yet be so in Git.
        let Ok(bytes) = fs::read(root.join(name)) else { continue };
        let text = str::from_utf8(&bytes).unwrap_or_default();
        let lines = too_long(text, name.ends_with(".md"));
        long.extend(lines.map(|(line, columns)| format!("{name}:{line}: {columns} columns")));
    }
    for line in long.iter().take(NAMED_MAX) {
        say(line);
    }
    ensure!(long.is_empty(), "{} lines have more than {COLUMNS_MAX} columns", long.len());
    Ok(())
}

fn is_read_by_people(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending))
}

/// The lines of prose that are too long, by number, and their columns: all lines or, of code, those
/// of comments. Rows of tables cannot be broken, nor can what has no space to break it at, such as
/// an address.
fn too_long(text: &str, is_prose: bool) -> impl Iterator<Item = (usize, usize)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let lines = lines.filter(move |(_, line)| is_prose || is_comment(line));
    let lines = lines.filter(|(_, line)| !is_unbreakable(line));
    lines.map(|(number, line)| (number, line.chars().count())).filter(|(_, n)| *n > COLUMNS_MAX)
}

fn is_comment(line: &str) -> bool {
    let text = line.trim_start();
    !text.starts_with("#[") && ["//", "/*", "* ", "# "].iter().any(|it| text.starts_with(it))
}

fn is_unbreakable(line: &str) -> bool {
    let text = line.trim_start_matches(['/', '!', '#', '*', '-', ' ']);
    text.starts_with('|') || !text.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_named_unless_they_cannot_be_broken() {
        let long = "word ".repeat(21);
        let text = format!("short\n{long}\n| {long}|\n//! | {long}|\n{}", "x".repeat(200));
        assert_eq!(too_long(&text, true).collect::<Vec<_>>(), [(2, 105)]);
        assert_eq!(too_long(&text, false).count(), 0);
        assert_eq!(too_long(&format!("    /// {long}"), false).collect::<Vec<_>>(), [(1, 113)]);
        assert_eq!(too_long(&"é ".repeat(50), true).count(), 0);
    }
}
