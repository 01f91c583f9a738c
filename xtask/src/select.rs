//! Which packages have a test of some name: to build no more than these.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use cargo_metadata::{MetadataCommand, Package};

/// The package whose tests start whole nodes, and the programs that do: on this machine, and in
/// containers.
const PACKAGE: &str = "hedgeschool-tests";
const NODES: &str = "node";
const CONTAINERS: &str = "containers";

/// What to test.
#[derive(Debug, Default, PartialEq)]
pub struct Selection {
    /// Packages that have such tests, but for those that start whole nodes.
    pub packages: Vec<String>,
    /// Whether some start whole nodes.
    pub has_nodes: bool,
    /// Whether some start them in containers.
    pub has_containers: bool,
    /// Which tests, as arguments of `cargo test`; none: all.
    pub arguments: Vec<String>,
}

/// Tests by name: a package's all, a test program's all, or those whose path contains the name,
/// which is made of files and functions: `replication::an_edge_catches_up`.
pub fn select_tests(root: &Path, name: &str) -> Result<Selection> {
    let metadata = MetadataCommand::new().manifest_path(root.join("Cargo.toml")).no_deps().exec();
    let metadata = metadata.context("reading Cargo.toml")?;
    let packages = metadata.workspace_packages();
    if [PACKAGE, NODES, CONTAINERS].contains(&name) {
        let (has_nodes, has_containers) = (name != CONTAINERS, name != NODES);
        return Ok(Selection { has_nodes, has_containers, ..Selection::default() });
    }
    if let Some(package) = packages.iter().find(|package| package.name.as_str() == name) {
        return Ok(Selection { packages: vec![package.name.to_string()], ..Selection::default() });
    }
    let program = |package: &&&Package| {
        package.targets.iter().any(|target| target.is_test() && target.name == name)
    };
    if let Some(package) = packages.iter().find(program) {
        let arguments = vec!["--test".to_owned(), name.to_owned()];
        let packages = vec![package.name.to_string()];
        return Ok(Selection { packages, arguments, ..Selection::default() });
    }
    let [nodes, containers] = [NODES, CONTAINERS].map(|program| root.join("tests").join(program));
    let mut folders: Vec<_> = packages.iter().filter_map(|package| folder_of(package)).collect();
    folders.extend([nodes.as_path(), containers.as_path()]);
    let has_such = |package: &&&Package| {
        let own = folder_of(package);
        let others: Vec<_> = folders.iter().copied().filter(|other| Some(*other) != own).collect();
        own.is_some_and(|own| has_test(own, &others, name))
    };
    let found: Vec<_> = packages.iter().filter(has_such).map(|it| it.name.to_string()).collect();
    let [has_nodes, has_containers] = [&nodes, &containers].map(|it| has_test(it, &[], name));
    if found.is_empty() && !has_nodes && !has_containers {
        bail!(
            "no test has {name:?} in its name: give a part of a function's name, a file's \
             (replication), a test program's (signature) or a package's (hedgeschool-xapi)"
        );
    }
    let arguments = vec![name.to_owned()];
    Ok(Selection { packages: found, has_nodes, has_containers, arguments })
}

fn folder_of(package: &Package) -> Option<&Path> {
    package.manifest_path.as_std_path().parent()
}

/// Whether a folder's sources have a test of that name, other packages inside left out.
fn has_test(folder: &Path, others: &[&Path], name: &str) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().map(|entry| entry.path()).any(|path| {
        if path.is_dir() {
            return !others.contains(&path.as_path()) && has_test(&path, others, name);
        }
        path.extension().is_some_and(|extension| extension == "rs")
            && fs::read_to_string(&path).is_ok_and(|text| names_test(&path, &text, name))
    })
}

/// Whether a source has a test whose path contains the name, or its last part.
fn names_test(path: &Path, text: &str, name: &str) -> bool {
    let name = name.rsplit("::").next().unwrap_or(name);
    let is_attribute = |line: &&str| line.starts_with("#[") && line.contains("test");
    let mut lines = text.lines().map(str::trim).skip_while(|line| !is_attribute(line)).peekable();
    let is_of_file = path.file_stem().is_some_and(|stem| stem.to_string_lossy().contains(name));
    (is_of_file && lines.peek().is_some()) || has_function(lines, name)
}

/// Whether a function of that name follows a test's attribute, with other attributes between.
fn has_function<'a>(lines: impl Iterator<Item = &'a str>, name: &str) -> bool {
    let mut is_test = false;
    for line in lines {
        if line.starts_with("#[") {
            is_test |= line.contains("test");
            continue;
        }
        let function = line.split_once("fn ").and_then(|(_, rest)| rest.split_once('('));
        if is_test && function.is_some_and(|(function, _)| function.contains(name)) {
            return true;
        }
        is_test = false;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "fn helper() {}\n#[tokio::test]\n#[ignore]\nasync fn a_cut() {}\n";

    #[test]
    fn a_name_is_a_part_of_a_function_or_a_file() {
        let file = Path::new("tests/replication.rs");
        assert!(names_test(file, SOURCE, "cut"));
        assert!(names_test(file, SOURCE, "replic"));
        assert!(names_test(file, SOURCE, "replication::a_cut"));
        assert!(!names_test(file, SOURCE, "helper"));
        assert!(!names_test(file, "fn helper() {}", "replication"));
    }

    #[test]
    fn this_repositorys_tests_are_found_where_they_are() {
        let root = crate::workspace::find_root().unwrap();
        let own = select_tests(&root, "a_name_is_a_part_of_a_function_or_a_file").unwrap();
        assert_eq!(own.packages, ["xtask"]);
        let program = select_tests(&root, "signature").unwrap();
        assert_eq!(program.packages, ["hedgeschool-xapi"]);
        assert_eq!(program.arguments, ["--test", "signature"]);
        assert_eq!(select_tests(&root, "hedgeschool-cmi5").unwrap().packages, ["hedgeschool-cmi5"]);
        let nodes = select_tests(&root, "replication").unwrap();
        assert!(nodes.has_nodes && !nodes.packages.contains(&PACKAGE.to_owned()), "{nodes:?}");
        let containers = select_tests(&root, "containers_of_a_pod").unwrap();
        assert!(containers.has_containers && !containers.has_nodes, "{containers:?}");
        assert!(select_tests(&root, "containers").unwrap().has_containers);
        assert!(select_tests(&root, "no test is called this").is_err());
    }
}
