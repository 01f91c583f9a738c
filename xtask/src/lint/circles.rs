//! No import circle: of the files of a crate, none needs one that needs it in turn. Such files can
//! only be understood, and moved, together.
//!
//! What counts is where a thing is defined: who takes it from a module that only passes it on
//! (`pub use`) needs the file behind that. A module that declares another (`mod x;`) or passes on
//! what is in it does not need it by that. Tests do not count.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use anyhow::{Result, ensure};

use super::modules::{Import, Module, read_crate};
use super::source::Source;
use crate::progress::say;

/// Most steps from one name to another, by imports of imports.
const STEPS_MAX: u32 = 16;

/// Which file needs which, and in which line it first says so.
type Needs = BTreeMap<usize, BTreeMap<usize, usize>>;

/// Looks at all crates.
///
/// # Errors
///
/// There are circles.
pub fn check(sources: &[Source]) -> Result<()> {
    let mut count = 0;
    for root in (0..sources.len()).filter(|file| is_root(sources, *file)) {
        for circle in find_circles(&find_needs(&read_crate(sources, root))) {
            say(&describe_circle(sources, &circle));
            count += 1;
        }
    }
    ensure!(count == 0, "{count} circles of files that need each other");
    Ok(())
}

/// Whether a file is the root of a crate that is no test.
fn is_root(sources: &[Source], file: usize) -> bool {
    sources.get(file).is_some_and(|source| {
        let name = Path::new(&source.name).file_name();
        !source.is_of_tests() && name.is_some_and(|name| name == "lib.rs" || name == "main.rs")
    })
}

/// `a.rs:3 → b.rs:7 → a.rs`: each with the line that needs the next.
fn describe_circle(sources: &[Source], circle: &[(usize, usize)]) -> String {
    let name = |file: usize| sources.get(file).map_or("", |source| source.name.as_str());
    let mut text = String::new();
    for (file, line) in circle {
        text += &format!("{}:{line} → ", name(*file));
    }
    text + circle.first().map_or("", |(file, _)| name(*file))
}

/// What a path leads to.
#[derive(Clone, Copy)]
enum Target {
    /// The module itself.
    Module(usize),
    /// Something in this module.
    Item(usize),
}

/// Finds what each file of a crate needs of the others.
fn find_needs(modules: &[Module]) -> Needs {
    let uses: Vec<_> = (0..modules.len()).map(|module| uses_of(modules, module)).collect();
    let file = |module: usize| modules.get(module).map_or(0, |module| module.file);
    // What is in braces and needs nothing is a file of its own but for its place: bindings, above
    // all.
    let is_leaf = |target: usize| {
        let inside =
            (0..modules.len()).filter(|it| *it == target || is_below(modules, *it, target));
        let mut uses = inside.filter_map(|module| uses.get(module)).flatten();
        modules.get(target).is_some_and(|target| target.is_inline)
            && uses.all(|(used, _)| file(*used) == file(target))
    };
    let mut needs = Needs::new();
    for (module, uses) in uses.iter().enumerate() {
        for (target, line) in uses {
            if file(module) != file(*target) && !is_leaf(*target) {
                let lines = needs.entry(file(module)).or_default();
                let first = lines.entry(file(*target)).or_insert(*line);
                *first = (*line).min(*first);
            }
        }
    }
    needs
}

/// The modules whose items a module uses, each with the line.
fn uses_of(modules: &[Module], module: usize) -> Vec<(usize, usize)> {
    let Some(own) = modules.get(module) else { return Vec::new() };
    let mut uses = Vec::new();
    for import in &own.imports {
        let target = resolve_path(modules, module, &import.path, STEPS_MAX);
        match target {
            Some(Target::Item(target)) if !only_passes_on(modules, module, import, target) => {
                uses.push((target, import.line));
            }
            Some(Target::Module(target)) if import.name == "*" && !import.is_public => {
                uses.push((target, import.line));
            }
            _ => {}
        }
    }
    for named in &own.paths {
        if let Some(Target::Item(target)) = resolve_path(modules, module, &named.path, STEPS_MAX) {
            uses.push((target, named.line));
        }
    }
    uses
}

/// Whether an import only hands on what is in a module below.
fn only_passes_on(modules: &[Module], module: usize, import: &Import, target: usize) -> bool {
    let is_used = modules.get(module).is_some_and(|own| own.words.contains(&import.name));
    import.is_public && !is_used && is_below(modules, target, module)
}

fn is_below(modules: &[Module], module: usize, ancestor: usize) -> bool {
    let parent = modules.get(module).and_then(|module| module.parent);
    parent.is_some_and(|parent| parent == ancestor || is_below(modules, parent, ancestor))
}

/// Where a path leads that is written in this module. None: out of the crate, or nowhere.
fn resolve_path(modules: &[Module], module: usize, path: &[String], steps: u32) -> Option<Target> {
    let steps = steps.checked_sub(1)?;
    let own = modules.get(module)?;
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => descend_from(modules, 0, rest, steps),
        "self" => descend_from(modules, module, rest, steps),
        "super" => {
            // `super::super` is the parent of the parent.
            let parent = own.parent?;
            if rest.first().is_some_and(|next| next == "super") {
                return resolve_path(modules, parent, rest, steps);
            }
            descend_from(modules, parent, rest, steps)
        }
        name if own.children.contains_key(name) || find_import(own, name).is_some() => {
            // An import that names itself is one of another crate.
            let is_own = find_import(own, name).is_some_and(|import| import.path == path);
            if is_own && !own.children.contains_key(name) {
                return None;
            }
            descend_from(modules, module, path, steps)
        }
        _ => None,
    }
}

fn find_import<'a>(module: &'a Module, name: &str) -> Option<&'a Import> {
    module.imports.iter().find(|import| import.name == name)
}

/// Where a path leads from inside a module.
fn descend_from(modules: &[Module], module: usize, path: &[String], steps: u32) -> Option<Target> {
    let steps = steps.checked_sub(1)?;
    let own = modules.get(module)?;
    let Some((first, rest)) = path.split_first() else { return Some(Target::Module(module)) };
    if let Some(child) = own.children.get(first) {
        return descend_from(modules, *child, rest, steps);
    }
    if own.items.contains(first) {
        return Some(Target::Item(module));
    }
    if let Some(import) = find_import(own, first) {
        return match resolve_path(modules, module, &import.path, steps) {
            Some(Target::Module(next)) => descend_from(modules, next, rest, steps),
            Some(item) => Some(item),
            None => Some(Target::Item(module)),
        };
    }
    for import in own.imports.iter().filter(|import| import.name == "*") {
        if let Some(Target::Module(next)) = resolve_path(modules, module, &import.path, steps)
            && modules.get(next).is_some_and(|next| next.items.contains(first))
        {
            return Some(Target::Item(next));
        }
    }
    Some(Target::Item(module))
}

/// The circles, each the shortest through one of its files, as files and the lines that need the
/// next.
fn find_circles(needs: &Needs) -> Vec<Vec<(usize, usize)>> {
    let mut found: BTreeSet<Vec<usize>> = BTreeSet::new();
    let mut circles = Vec::new();
    for start in needs.keys() {
        let Some(circle) = shortest_circle(needs, *start) else { continue };
        let mut members = circle.clone();
        members.sort_unstable();
        if found.insert(members) {
            circles.push(with_lines(needs, &circle));
        }
    }
    circles
}

/// The shortest way from a file back to it: the files, once each.
fn shortest_circle(needs: &Needs, start: usize) -> Option<Vec<usize>> {
    let mut before: BTreeMap<usize, usize> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(file) = queue.pop_front() {
        for next in needs.get(&file).into_iter().flat_map(BTreeMap::keys) {
            if *next == start {
                let mut circle = vec![file];
                while let Some(previous) = circle.last().and_then(|last| before.get(last)) {
                    circle.push(*previous);
                }
                circle.reverse();
                return Some(circle);
            }
            if !before.contains_key(next) {
                before.insert(*next, file);
                queue.push_back(*next);
            }
        }
    }
    None
}

fn with_lines(needs: &Needs, circle: &[usize]) -> Vec<(usize, usize)> {
    let nexts = circle.iter().cycle().skip(1);
    let line = |file, next| needs.get(file).and_then(|lines| lines.get(next)).copied();
    circle.iter().zip(nexts).map(|(file, next)| (*file, line(file, next).unwrap_or(0))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The circles of a crate of these files.
    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<_> =
            files.iter().map(|(name, text)| Source::parse(name, text).unwrap()).collect();
        let circles = find_circles(&find_needs(&read_crate(&sources, 0)));
        circles.iter().map(|circle| describe_circle(&sources, circle)).collect()
    }

    #[test]
    fn two_files_that_need_each_other_are_a_circle() {
        let root = ("lib.rs", "mod a;\nmod b;");
        let a = ("a.rs", "//! A.\n\nuse crate::b::B;\npub struct A;");
        for b in [
            "use crate::a::A;\npub struct B;",
            "pub struct B;\nfn c() { crate::a::d(); }",
            "use super::a;\npub struct B { a: a::A }",
            "use crate::{a::{A as C}};\npub struct B;",
            "pub struct B;\nfn c() { println!(\"{}\", super::a::D); }",
        ] {
            let found = circles(&[root, a, ("b.rs", b)]);
            let line = b.lines().position(|line| line.contains("a::")).unwrap() + 1;
            assert_eq!(found, [format!("a.rs:3 → b.rs:{line} → a.rs")], "{b}");
        }
    }

    #[test]
    fn a_closing_comma_imports_nothing() {
        let root = "mod a;\nmod b;\nuse b::B;";
        let a = "use crate::{\n    b::B,\n};\npub struct A;";
        assert!(circles(&[("lib.rs", root), ("a.rs", a), ("b.rs", "pub struct B;")]).is_empty());
        let found = circles(&[("lib.rs", root), ("a.rs", a), ("b.rs", "use super::a::{\nA,\n};")]);
        assert_eq!(found, ["a.rs:2 → b.rs:2 → a.rs"]);
    }

    #[test]
    fn a_longer_way_round_is_one_too() {
        let found = circles(&[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "use crate::c::C; pub struct B;"),
            ("c.rs", "use crate::a::A; pub struct C;"),
        ]);
        assert_eq!(found, ["a.rs:1 → b.rs:1 → c.rs:1 → a.rs"]);
    }

    #[test]
    fn a_parent_may_declare_and_pass_on_what_a_child_takes_from_it() {
        let child = ("a/b.rs", "use super::A;\npub struct B;");
        let parent = "pub mod b;\npub use b::B;\npub struct A;";
        assert!(circles(&[("lib.rs", "mod a;"), ("a.rs", parent), child]).is_empty());
        let user = format!("{parent}\nfn c() -> B {{ B }}");
        assert_eq!(
            circles(&[("lib.rs", "mod a;"), ("a.rs", &user), child]),
            ["a.rs:2 → a/b.rs:1 → a.rs"]
        );
    }

    #[test]
    fn what_is_passed_on_counts_where_it_is_defined() {
        let files = [
            ("lib.rs", "mod a; mod d;"),
            ("a/mod.rs", "mod b; mod c; pub use b::B; pub use c::*;"),
            ("a/b.rs", "use super::C; pub struct B;"),
            ("a/c.rs", "pub struct C;"),
            ("d.rs", "use crate::a::{self, B}; fn e() -> a::C { a::C }"),
        ];
        assert!(circles(&files).is_empty());
        let mut back = files;
        back[3].1 = "use crate::a::B; pub struct C;";
        assert_eq!(circles(&back), ["a/b.rs:1 → a/c.rs:1 → a/b.rs"]);
    }

    #[test]
    fn the_root_may_use_all_and_nobody_uses_the_root() {
        let lib = "mod a;\nuse a::A;\npub struct Lib;";
        assert!(circles(&[("lib.rs", lib), ("a.rs", "pub struct A;")]).is_empty());
        let found = circles(&[("lib.rs", lib), ("a.rs", "use crate::Lib; pub struct A;")]);
        assert_eq!(found, ["lib.rs:2 → a.rs:1 → lib.rs"]);
    }

    #[test]
    fn modules_in_braces_and_at_other_paths_are_followed() {
        let files = [
            ("x/lib.rs", "mod a { mod c { fn d() { super::super::b::f(); } } }\nmod b;"),
            ("x/b.rs", "#[path = \"../y/e.rs\"]\nmod e;\npub fn f() { e::g(); }"),
            ("y/e.rs", "use crate::a::h;\npub fn g() {}"),
        ];
        assert_eq!(circles(&files), ["x/lib.rs:1 → x/b.rs:3 → y/e.rs:1 → x/lib.rs"]);
    }

    #[test]
    fn tests_comments_other_crates_and_bindings_do_not_count() {
        let files = [
            ("lib.rs", "mod a; mod b; mod bindings { generate!({ world: \"x\" }); }\nuse b::B;"),
            ("a.rs", "use crate::b::B; use crate::bindings::x::Y; pub struct A;"),
            (
                "b.rs",
                "// crate::a::A\nuse http; use crate::bindings::Z;\n\
                 pub struct B;\nfn c() { \"crate::a::A\"; http::get(); }\n\
                 #[cfg(test)] mod tests { use crate::a::A; }",
            ),
        ];
        assert!(circles(&files).is_empty());
    }
}
