//! The Rust files of this repository as the lints read them: as tokens, so that no comment or
//! string is taken for code, and without tests.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::command;

/// A file of Rust.
pub struct Source {
    /// Its path from the repository's folder.
    pub name: String,
    /// How many lines it has.
    pub lines: usize,
    /// What is in it, tests left out.
    pub tokens: Vec<TokenTree>,
}

impl Source {
    /// Reads a text.
    ///
    /// # Errors
    ///
    /// It is no Rust.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let tokens: TokenStream =
            text.parse().map_err(|error| anyhow!("{name} is no Rust: {error}"))?;
        let tokens = leave_out_tests(tokens);
        Ok(Self { name: name.to_owned(), lines: text.lines().count(), tokens })
    }

    /// Whether it is a part of tests or examples. Those say in the names of their functions what
    /// holds, and are read one by one.
    pub fn is_of_tests(&self) -> bool {
        let name = &self.name;
        let is_apart = ["tests/", "examples/"].iter().any(|folder| name.starts_with(folder));
        is_apart || name.contains("/tests/") || name.ends_with("_tests.rs")
    }
}

/// The Rust files that Git knows.
///
/// # Errors
///
/// Git does not answer, or a file is no Rust.
pub fn read_all(root: &Path) -> Result<Vec<Source>> {
    let mut list = Command::new("git");
    let listed = command::read_output(list.args(["ls-files", "*.rs"]).current_dir(root))?;
    let mut sources = Vec::new();
    for name in listed.lines() {
        let path = root.join(name);
        // A file may have been removed and not yet be so in Git.
        if path.is_file() {
            let text = fs::read_to_string(&path).with_context(|| format!("reading {name}"))?;
            sources.push(Source::parse(name, &text)?);
        }
    }
    Ok(sources)
}

/// The tokens but for items that only a build of tests has.
fn leave_out_tests(tokens: TokenStream) -> Vec<TokenTree> {
    let trees: Vec<_> = tokens.into_iter().collect();
    let mut kept = Vec::new();
    let mut rest = trees.as_slice();
    while let Some((tree, after)) = rest.split_first() {
        let attributes = attributes_length(rest);
        let (head, item) = rest.split_at(attributes);
        if head.iter().any(is_for_tests) {
            if head.get(1).is_some_and(|mark| is_punct(mark, '!')) {
                return kept;
            }
            rest = item.get(item_length(item)..).unwrap_or_default();
        } else if attributes > 0 {
            kept.extend_from_slice(head);
            rest = item;
        } else {
            kept.push(match tree {
                TokenTree::Group(group) => TokenTree::Group(group_without_tests(group)),
                other => other.clone(),
            });
            rest = after;
        }
    }
    kept
}

fn group_without_tests(group: &Group) -> Group {
    let mut kept =
        Group::new(group.delimiter(), leave_out_tests(group.stream()).into_iter().collect());
    kept.set_span(group.span());
    kept
}

/// How many tokens the attributes take that these begin with.
fn attributes_length(trees: &[TokenTree]) -> usize {
    let mut length = 0;
    while let Some([hash, rest @ ..]) = trees.get(length..)
        && is_punct(hash, '#')
    {
        let mark = usize::from(rest.first().is_some_and(|tree| is_punct(tree, '!')));
        match rest.get(mark) {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
                length += mark + 2;
            }
            _ => break,
        }
    }
    length
}

/// Whether a token is the inside of an attribute like `#[test]`, `#[tokio::test]` or
/// `#[cfg(test)]`.
fn is_for_tests(tree: &TokenTree) -> bool {
    let TokenTree::Group(group) = tree else { return false };
    let mut text = group.stream().to_string();
    text.retain(|character| !character.is_whitespace());
    let is_configured = ["cfg(test)", "cfg(all(test", "cfg(any(test"];
    text == "test"
        || text.ends_with("::test")
        || text.contains("::test(")
        || is_configured.iter().any(|start| text.starts_with(start))
}

/// How many tokens an item takes: up to its body or semicolon.
fn item_length(trees: &[TokenTree]) -> usize {
    let is_import = trees.iter().take(3).any(|tree| is_word(tree, "use"));
    let end = trees.iter().position(|tree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && !is_import,
        other => is_punct(other, ';'),
    });
    end.map_or(trees.len(), |end| end + 1)
}

/// Whether a token is this one character.
pub fn is_punct(tree: &TokenTree, character: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == character)
}

/// Whether a token is this word.
pub fn is_word(tree: &TokenTree, word: &str) -> bool {
    matches!(tree, TokenTree::Ident(ident) if ident == word)
}

/// The line that a token is in, from 1.
pub fn line_of(tree: &TokenTree) -> usize {
    tree.span().start().line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> String {
        let source = Source::parse("a.rs", text).unwrap();
        source.tokens.into_iter().collect::<TokenStream>().to_string()
    }

    #[test]
    fn what_only_tests_have_is_left_out() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests { use super::*; }\nfn b() {}";
        assert_eq!(kept(text), kept("fn a() {} fn b() {}"));
        assert_eq!(kept("#[cfg(test)] use crate::{a, b}; fn c() {}"), kept("fn c() {}"));
        assert_eq!(kept("#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests;"), "");
        assert_eq!(
            kept("impl A { #[cfg(test)] fn b() {} fn c() {} }"),
            kept("impl A { fn c() {} }")
        );
        assert_eq!(
            kept("#[tokio::test] async fn a() {} #[derive(A)] struct B;"),
            kept("#[derive(A)] struct B;")
        );
        assert_eq!(kept("#![cfg(test)] fn a() {}"), "");
        assert_eq!(
            kept("// #[cfg(test)]\nfn a() { \"#[test]\"; }"),
            kept("fn a() { \"#[test]\"; }")
        );
    }

    #[test]
    fn a_text_that_is_no_rust_is_named() {
        let error = Source::parse("a.rs", "fn a( {}").err().unwrap();
        assert!(error.to_string().starts_with("a.rs is no Rust"), "{error}");
    }
}
