//! The shape of the code: short files, short functions, and names that say what is done to what.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use proc_macro2::{Delimiter, TokenTree};

use super::source::{Source, is_punct, is_word, line_of};
use crate::progress::say;

/// Most lines of a file.
const FILE_LINES_MAX: usize = 400;
/// Most lines of a function.
const FUNCTION_LINES_MAX: usize = 70;
/// Most lines of half of all functions.
const MEDIAN_LINES_MAX: usize = 10;
/// Of a hundred functions, fewer than this many may have a name of one word.
const ONE_WORD_PERCENT: usize = 50;
/// How many areas are named in which most names are of one word.
const AREAS_NAMED: usize = 5;

/// A function, tests left out.
#[derive(Debug, PartialEq)]
struct Function {
    name: String,
    /// Where it begins, from 1.
    line: usize,
    /// How many lines it has, its signature included; none without a body.
    lines: Option<usize>,
}

/// Looks at all files.
///
/// # Errors
///
/// One is too long, or has a function that is, or all together have too many long functions or
/// names of one word.
pub fn check(sources: &[Source]) -> Result<()> {
    let mut faults = Vec::new();
    let (mut lengths, mut names) = (Vec::new(), BTreeMap::new());
    for source in sources {
        let functions = functions_of(source);
        faults.extend(find_long(source, &functions));
        if !source.is_of_tests() {
            lengths.extend(functions.iter().filter_map(|function| function.lines));
            let area: &mut Names = names.entry(area_of(&source.name)).or_default();
            functions.iter().for_each(|function| area.count_name(&function.name));
        }
    }
    faults.iter().for_each(|fault| say(fault));
    let median = median_of(&mut lengths);
    let all = names.values().fold(Names::default(), |sum, area| sum.plus(*area));
    say(&format!(
        "    {} functions: half have at most {median} lines, {} % a name of one word",
        all.all,
        all.percent()
    ));
    ensure!(faults.is_empty(), "{} files or functions are too long", faults.len());
    ensure!(
        median <= MEDIAN_LINES_MAX,
        "half of all functions have more than {MEDIAN_LINES_MAX} lines"
    );
    ensure!(
        all.percent() < ONE_WORD_PERCENT,
        "of 100 functions {} have a name of one word, and {ONE_WORD_PERCENT} are too many; most \
         in {}",
        all.percent(),
        worst_areas(&names).join(", ")
    );
    Ok(())
}

/// The package or folder that a file belongs to.
fn area_of(name: &str) -> &str {
    name.split_once("/src/").map_or(name, |(area, _)| area)
}

/// What is too long in a file.
fn find_long(source: &Source, functions: &[Function]) -> Vec<String> {
    let name = &source.name;
    let mut faults = Vec::new();
    if source.lines > FILE_LINES_MAX {
        faults.push(format!(
            "{name}:{}: the file has {} lines, {FILE_LINES_MAX} at most: move a part of it into a \
             module of its own",
            FILE_LINES_MAX + 1,
            source.lines
        ));
    }
    for Function { name: function, line, lines } in functions {
        if let Some(lines) = lines.filter(|lines| *lines > FUNCTION_LINES_MAX) {
            faults.push(format!(
                "{name}:{line}: the function {function} has {lines} lines, {FUNCTION_LINES_MAX} at \
                 most: give its steps names of their own"
            ));
        }
    }
    faults
}

/// The functions in a file, those inside others included.
fn functions_of(source: &Source) -> Vec<Function> {
    let mut functions = Vec::new();
    collect_functions(&source.tokens, &mut functions);
    functions
}

fn collect_functions(trees: &[TokenTree], functions: &mut Vec<Function>) {
    for (at, tree) in trees.iter().enumerate() {
        let after = trees.get(at + 1..).unwrap_or_default();
        match (tree, after.first()) {
            (TokenTree::Group(group), _) => {
                let inside: Vec<_> = group.stream().into_iter().collect();
                collect_functions(&inside, functions);
            }
            (word, Some(TokenTree::Ident(name))) if is_word(word, "fn") => {
                let line = line_of(tree);
                let lines = body_end(after).map(|end| end + 1 - line);
                functions.push(Function { name: name.to_string(), line, lines });
            }
            _ => {}
        }
    }
}

/// The last line of the body that follows a signature, if there is one.
fn body_end(trees: &[TokenTree]) -> Option<usize> {
    let end = trees.iter().find(|tree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        other => is_punct(other, ';'),
    });
    match end {
        Some(TokenTree::Group(body)) => Some(body.span_close().end().line),
        _ => None,
    }
}

/// How many functions there are, and how many of them have a name of one word.
#[derive(Clone, Copy, Default)]
struct Names {
    all: usize,
    one_word: usize,
}

impl Names {
    fn count_name(&mut self, name: &str) {
        self.all += 1;
        self.one_word += usize::from(!name.trim_matches('_').contains('_'));
    }

    fn plus(self, other: Self) -> Self {
        Self { all: self.all + other.all, one_word: self.one_word + other.one_word }
    }

    fn percent(self) -> usize {
        self.one_word * 100 / self.all.max(1)
    }
}

/// The areas with most names of one word beyond what they may have.
fn worst_areas(names: &BTreeMap<&str, Names>) -> Vec<String> {
    let excess = |names: &Names| names.one_word.checked_sub(names.all * ONE_WORD_PERCENT / 100);
    let mut areas: Vec<_> = names.iter().filter(|(_, names)| excess(names).is_some()).collect();
    areas.sort_by_key(|(_, names)| std::cmp::Reverse(excess(names)));
    let named = areas.iter().take(AREAS_NAMED);
    named.map(|(area, names)| format!("{area} ({} of {})", names.one_word, names.all)).collect()
}

fn median_of(lengths: &mut [usize]) -> usize {
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let source = Source::parse("a.rs", text).unwrap();
        find_long(&source, &functions_of(&source))
    }

    fn verdict(text: &str) -> String {
        let source = Source::parse("crates/a/src/lib.rs", text).unwrap();
        check(&[source]).map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn long_files_and_functions_are_named_by_file_and_line() {
        let long = format!("\nimpl A {{\nfn long_one() {{{}}}\n}}", "\n".repeat(70));
        assert_eq!(
            faults(&long),
            ["a.rs:3: the function long_one has 71 lines, 70 at most: give its steps names of \
              their own"]
        );
        assert!(faults(&long.replacen("\n\n", "\n", 1)).is_empty());
        let file = faults(&"\n".repeat(401)).join("; ");
        assert!(file.starts_with("a.rs:401: the file has 401 lines"), "{file}");
    }

    #[test]
    fn functions_are_counted_but_for_those_of_tests() {
        let text = "trait A {\n fn b();\n}\n// fn no() {}\nconst fn c_d() {\n}\n\
                    #[cfg(test)]\nmod tests { fn e() {} }\ntype F = fn(u8);";
        let source = Source::parse("a.rs", text).unwrap();
        let expected = [
            Function { name: "b".to_owned(), line: 2, lines: None },
            Function { name: "c_d".to_owned(), line: 5, lines: Some(2) },
        ];
        assert_eq!(functions_of(&source), expected);
    }

    #[test]
    fn too_many_names_of_one_word_and_long_functions_fail() {
        assert_eq!(verdict("fn load_course() {}\nfn read_body() {}\nfn new() {}"), "fine");
        let short = verdict("fn load() {}\nfn read_body() {}");
        assert!(
            short.contains("100 functions 50") && short.contains("crates/a (1 of 2)"),
            "{short}"
        );
        let long = format!("fn load_course() {{{}}}", "\n".repeat(10));
        assert!(verdict(&long).starts_with("half of all functions"), "{}", verdict(&long));
    }
}
