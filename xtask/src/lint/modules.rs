//! The modules of a crate: what each imports, names and has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenTree};

use super::source::{Source, is_punct, is_word, line_of};

/// Words before the name of an item.
const ITEMS: [&str; 8] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union"];

/// A path in code, as written: `crate::a::b`.
pub struct Named {
    pub path: Vec<String>,
    /// The line, from 1.
    pub line: usize,
}

/// What a `use` brings in.
pub struct Import {
    pub path: Vec<String>,
    /// What it is called here; `*`: everything.
    pub name: String,
    /// Whether others get it from here.
    pub is_public: bool,
    /// The line, from 1.
    pub line: usize,
}

/// A module, a file's or one inside a file.
pub struct Module {
    /// The file, by its position among all.
    pub file: usize,
    /// Whether it is in braces in its parent's file.
    pub is_inline: bool,
    /// None: the crate's root.
    pub parent: Option<usize>,
    pub children: BTreeMap<String, usize>,
    pub imports: Vec<Import>,
    pub paths: Vec<Named>,
    /// The items that it defines.
    pub items: BTreeSet<String>,
    /// All words in it that are no fields or methods.
    pub words: BTreeSet<String>,
}

/// The modules of the crate whose root is this file; the first is the root.
pub fn read_crate(sources: &[Source], root: usize) -> Vec<Module> {
    let files = sources.iter().enumerate().map(|(file, source)| (source.name.as_str(), file));
    let mut reader = Reader { sources, files: files.collect(), modules: Vec::new() };
    reader.read_file(root, None, true);
    reader.modules
}

struct Reader<'a> {
    sources: &'a [Source],
    files: BTreeMap<&'a str, usize>,
    modules: Vec<Module>,
}

impl Reader<'_> {
    /// Adds a file's module. `owns_folder`: the files of its children are beside it.
    fn read_file(&mut self, file: usize, parent: Option<usize>, owns_folder: bool) -> usize {
        let module = self.add_module(file, parent, false);
        let Some(source) = self.sources.get(file) else { return module };
        let path = Path::new(&source.name);
        let folder = if owns_folder {
            path.parent().unwrap_or(Path::new("")).to_owned()
        } else {
            path.with_extension("")
        };
        self.read_tokens(&source.tokens, module, &folder, true);
        module
    }

    fn add_module(&mut self, file: usize, parent: Option<usize>, is_inline: bool) -> usize {
        self.modules.push(Module {
            file,
            is_inline,
            parent,
            children: BTreeMap::new(),
            imports: Vec::new(),
            paths: Vec::new(),
            items: BTreeSet::new(),
            words: BTreeSet::new(),
        });
        self.modules.len() - 1
    }

    /// Reads what is between two braces; `has_items`: of a module, not of a function or type.
    fn read_tokens(&mut self, trees: &[TokenTree], module: usize, folder: &Path, has_items: bool) {
        let mut at = 0;
        while let Some(tree) = trees.get(at) {
            let before = trees.get(..at).unwrap_or_default();
            let after = trees.get(at + 1..).unwrap_or_default();
            at += 1;
            match tree {
                TokenTree::Group(group) => {
                    let inside: Vec<_> = group.stream().into_iter().collect();
                    self.read_tokens(&inside, module, folder, false);
                }
                // `use<'a>` is no import.
                TokenTree::Ident(word)
                    if word == "use" && !after.first().is_some_and(|next| is_punct(next, '<')) =>
                {
                    at += self.read_import(after, module, is_public(before));
                }
                TokenTree::Ident(word) if word == "mod" => {
                    at += self.read_module(before, after, module, folder);
                }
                TokenTree::Ident(_) => {
                    at += self.read_words(tree, before, after, module, has_items);
                }
                _ => {}
            }
        }
    }

    /// A path, a word, or the name of an item; answers how many tokens more it takes.
    fn read_words(
        &mut self,
        tree: &TokenTree,
        before: &[TokenTree],
        after: &[TokenTree],
        module: usize,
        has_items: bool,
    ) -> usize {
        let Some(module) = self.modules.get_mut(module) else { return 0 };
        let word = tree.to_string();
        if before.last().is_some_and(|tree| is_punct(tree, '.')) && !is_range(before) {
            return 0;
        }
        if has_items
            && before.last().is_some_and(|tree| ITEMS.iter().any(|item| is_word(tree, item)))
        {
            module.items.insert(word);
            return 0;
        }
        module.words.insert(word.clone());
        let mut path = vec![word];
        let mut rest = after;
        while let [one, two, TokenTree::Ident(next), more @ ..] = rest
            && is_punct(one, ':')
            && is_punct(two, ':')
        {
            path.push(next.to_string());
            rest = more;
        }
        let is_continued =
            matches!(before, [.., one, two] if is_punct(one, ':') && is_punct(two, ':'));
        if path.len() > 1 && !is_continued {
            module.paths.push(Named { path, line: line_of(tree) });
        }
        after.len() - rest.len()
    }

    fn read_import(&mut self, after: &[TokenTree], module: usize, is_public: bool) -> usize {
        let end = after.iter().position(|tree| is_punct(tree, ';'));
        let Some(end) = end else { return 0 };
        if let Some(module) = self.modules.get_mut(module) {
            let tree = after.get(..end).unwrap_or_default();
            read_use_tree(tree, &[], is_public, &mut module.imports);
        }
        end
    }

    /// `mod name;` or `mod name { … }`.
    fn read_module(
        &mut self,
        before: &[TokenTree],
        after: &[TokenTree],
        parent: usize,
        folder: &Path,
    ) -> usize {
        let [TokenTree::Ident(name), body, ..] = after else { return 0 };
        let name = name.to_string();
        let module = match body {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let file = self.modules.get(parent).map_or(0, |module| module.file);
                let module = self.add_module(file, Some(parent), true);
                let inside: Vec<_> = group.stream().into_iter().collect();
                self.read_tokens(&inside, module, &folder.join(&name), true);
                Some(module)
            }
            _ => {
                let found = match path_attribute(before) {
                    Some(told) => self.find_told_file(parent, folder, &told),
                    None => self.find_file(folder, &name),
                };
                found.map(|(file, owns_folder)| self.read_file(file, Some(parent), owns_folder))
            }
        };
        if let (Some(module), Some(parent)) = (module, self.modules.get_mut(parent)) {
            parent.children.insert(name, module);
        }
        2
    }

    /// The file at a path that an attribute tells, from the folder of the file that has it.
    fn find_told_file(&self, parent: usize, folder: &Path, told: &str) -> Option<(usize, bool)> {
        let parent = self.modules.get(parent)?;
        let beside = Path::new(&self.sources.get(parent.file)?.name).parent()?;
        let path = plain(&if parent.is_inline { folder } else { beside }.join(told));
        self.files.get(path.to_str()?).map(|file| (*file, true))
    }

    /// The file of a module, and whether it is one whose children are beside it.
    fn find_file(&self, folder: &Path, name: &str) -> Option<(usize, bool)> {
        let own = folder.join(format!("{name}.rs"));
        let inside = folder.join(name).join("mod.rs");
        let find = |path: &Path| self.files.get(path.to_str()?).copied();
        find(&own).map(|file| (file, false)).or_else(|| Some((find(&inside)?, true)))
    }
}

/// Whether what comes before a word says that it is for others too: `pub` or `pub(crate)`.
fn is_public(before: &[TokenTree]) -> bool {
    match before {
        [.., word] if is_word(word, "pub") => true,
        [.., word, TokenTree::Group(_)] => is_word(word, "pub"),
        _ => false,
    }
}

/// Whether the dot before a word is that of a range.
fn is_range(before: &[TokenTree]) -> bool {
    matches!(before, [.., one, two] if is_punct(one, '.') && is_punct(two, '.'))
}

/// What the attribute before `mod` says: `#[path = "x.rs"]`.
fn path_attribute(before: &[TokenTree]) -> Option<String> {
    let before = match before {
        [rest @ .., word] if is_word(word, "pub") => rest,
        [rest @ .., word, TokenTree::Group(_)] if is_word(word, "pub") => rest,
        all => all,
    };
    let [.., hash, TokenTree::Group(attribute)] = before else { return None };
    let inside: Vec<_> = attribute.stream().into_iter().collect();
    let [name, _, TokenTree::Literal(value)] = inside.as_slice() else { return None };
    let is_path = is_punct(hash, '#') && is_word(name, "path");
    is_path.then(|| value.to_string().trim_matches('"').to_owned())
}

/// The path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path {
        if part == ".." {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
}

/// Reads `a::b`, `a::{b, c as d}` and `a::*`, all below `start`.
fn read_use_tree(trees: &[TokenTree], start: &[String], is_public: bool, out: &mut Vec<Import>) {
    for branch in trees.split(|tree| is_punct(tree, ',')) {
        // What follows a closing comma.
        let Some(first) = branch.first() else { continue };
        let line = line_of(first);
        let mut path = start.to_vec();
        let mut name = None;
        let mut rest = branch;
        while let Some((tree, after)) = rest.split_first() {
            rest = after;
            match tree {
                TokenTree::Ident(word) if word == "as" => {
                    name = after.first().map(ToString::to_string);
                    break;
                }
                TokenTree::Ident(word) => path.push(word.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == '*' => name = Some("*".to_owned()),
                TokenTree::Group(group) => {
                    let inside: Vec<_> = group.stream().into_iter().collect();
                    read_use_tree(&inside, &path, is_public, out);
                    path.clear();
                }
                _ => {}
            }
        }
        // `a::{self}` is `a`.
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        if let Some(name) = name.or_else(|| path.last().cloned())
            && !path.is_empty()
        {
            out.push(Import { path, name, is_public, line });
        }
    }
}
