//! The contracts in `wit/` say what they mean: every item has a `///`, and of every number one
//! reads there what it counts.
//!
//! The rule for numbers: the comment on it has a unit ([`UNITS`]) or a digit, as limits have. A
//! function's is for all of its numbers, and has to name those that it takes. Exempt is what has
//! that in its own name: `key`, `kept-s`.

mod read;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use self::read::{Item, Number, read_items};
use crate::progress::say;

/// What numbers count, and words for a place in an order.
const UNITS: [&str; 12] = [
    "byte",
    "bytes",
    "seconds",
    "milliseconds",
    "microseconds",
    "percent",
    "bits",
    "many",
    "much",
    "position",
    "sequence",
    "key",
];
/// How the names of numbers end that say by themselves what they are.
const TELLING_ENDS: [&str; 7] = ["id", "key", "sequence", "s", "ms", "us", "bytes"];

/// Looks at all contracts.
///
/// # Errors
///
/// An item lacks its comment, or a number its unit.
pub fn check(root: &Path) -> Result<()> {
    let mut faults = Vec::new();
    for path in find_contracts(&root.join("wit"))? {
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let name = path.strip_prefix(root).unwrap_or(&path).display();
        faults.extend(find_faults(&text).into_iter().map(|fault| format!("{name}:{fault}")));
    }
    faults.iter().for_each(|fault| say(fault));
    ensure!(faults.is_empty(), "{} items of contracts say too little", faults.len());
    Ok(())
}

/// The contracts below a folder, those that are there by a link left out.
fn find_contracts(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = folder.read_dir().with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            files.extend(find_contracts(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "wit") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What a contract does not say, each with its line.
fn find_faults(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for item in read_items(text) {
        let Item { name, line, comment, numbers } = &item;
        if comment.is_empty() {
            faults.push(format!(
                "{line}: {name} has no comment: say above it, after ///, what it is"
            ));
        }
        for number in numbers.iter().filter(|number| !is_told(number, name, comment)) {
            let number = match number {
                Number::Own => name.to_owned(),
                Number::Parameter(parameter) => format!("{parameter} of {name}"),
                Number::Result => format!("the result of {name}"),
            };
            faults.push(format!(
                "{line}: {number} is a number of what? Say so above it, or how large it may be"
            ));
        }
    }
    faults
}

/// Whether a comment says what a number counts, or the number's name does.
fn is_told(number: &Number, item: &str, comment: &str) -> bool {
    let words: Vec<_> = words_of(comment).collect();
    let has_unit = words.iter().any(|word| UNITS.contains(&word.to_lowercase().as_str()))
        || comment.contains(|character: char| character.is_ascii_digit());
    match number {
        Number::Own => has_unit || tells_itself(item),
        Number::Result => has_unit,
        Number::Parameter(name) => {
            tells_itself(name) || (has_unit && words.contains(&name.as_str()))
        }
    }
}

/// Whether a number's name says what it is: an identifier, or its unit.
fn tells_itself(name: &str) -> bool {
    TELLING_ENDS.contains(&name.rsplit('-').next().unwrap_or(name))
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    let is_end = |character: char| !character.is_alphanumeric() && character != '-';
    text.split(is_end).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_in(inside: &str) -> Vec<String> {
        find_faults(&format!("package a:b@0.1.0;\n/// An interface.\ninterface c {{\n{inside}\n}}"))
    }

    #[test]
    fn every_item_says_what_it_is() {
        let text = "use types.{error, page};\n\
                    record a {\n b: string,\n /// Its name.\n c: string,\n}\n\
                    /// Two cases.\nvariant d { e, /// One with a text.\n f(string) }\n\
                    g: async func() -> result<_, error>;\n";
        let named: Vec<_> = faults_in(text)
            .iter()
            .map(|fault| fault.split(" has").next().unwrap().to_owned())
            .collect();
        assert_eq!(named, ["5: a", "6: b", "11: e", "13: g"]);
        assert_eq!(find_faults("package a:b;\nworld c {\n export types;\n}").len(), 1);
    }

    #[test]
    fn a_number_says_what_it_counts() {
        let bad = [
            "/// How far it went.\nrecord a {\n/// How far.\nb: option<u64> }",
            "/// A time.\ntype a = s64;",
            "/// Reads some, in bytes.\na: func(start: u64);",
            "/// Reads `start` and so on.\na: func(start: u64);",
            "/// What there is.\na: func() -> result<tuple<u64, u64>, error>;",
        ];
        for text in bad {
            let faults = faults_in(text);
            assert!(matches!(&faults[..], [one] if one.contains("a number of what")), "{faults:?}");
        }
        let good = [
            "/// One.\nrecord a {\n/// Its size in bytes.\nb: option<u64>,\n/// 0 to 1.\nc: f64,\n/// Its name.\nkey: u8 }",
            "/// Milliseconds since 1970.\ntype a = s64;",
            "/// From the byte `start` on.\na: func(start: u64, kept-s: u32, key: u64);",
            "/// The content.\na: func(content: list<u8>) -> stream<u8>;",
            "/// How many there are.\na: func() -> result<u64, error>;",
        ];
        for text in good {
            assert_eq!(faults_in(text), Vec::<String>::new());
        }
    }

    #[test]
    fn faults_name_number_and_line() {
        let text =
            "/// Entries after a sequence.\nabout: async func(\n after: u64, limit: u32,\n);";
        let fault =
            "5: limit of about is a number of what? Say so above it, or how large it may be";
        assert_eq!(faults_in(text), [fault]);
    }
}
