use proptest::prelude::*;

use super::*;
use crate::bindings::exports::hedgeschool::content::types::{Block, LaunchMethod, MoveOn, Unit};

fn new_course(blocks: Vec<Block>, units: Vec<Unit>) -> NewCourse {
    NewCourse {
        id: "https://example.org/c".into(),
        title: "C".into(),
        description: String::new(),
        units,
        blocks: Some(blocks),
        is_public: None,
        withdrawn: None,
    }
}

fn block(parent: Option<u32>) -> Block {
    Block { id: String::new(), activity: String::new(), title: String::new(), parent }
}

fn unit(block: Option<u32>) -> Unit {
    Unit {
        id: String::new(),
        activity: String::new(),
        title: String::new(),
        url: String::new(),
        player: None,
        launch_method: LaunchMethod::AnyWindow,
        launch_parameters: String::new(),
        move_on: MoveOn::Passed,
        mastery_score: None,
        entitlement_key: None,
        block,
    }
}

fn new_file(path: &str, hash: &str) -> File {
    File { path: path.into(), hash: hash.into(), size: 0, media_type: String::new() }
}

/// The rule that is broken; empty if none is.
fn rule(result: Result<(), Error>) -> String {
    match result {
        Ok(()) => String::new(),
        Err(Error::Invalid(rule) | Error::TooLarge(rule)) => rule,
        Err(error) => panic!("{error:?}"),
    }
}

fn named(files: &[File]) -> String {
    let entries: Vec<_> = files.iter().map(hashed_file).collect();
    package_hash("{}", &serde_json::to_string(&entries).unwrap())
}

#[test]
fn a_blocks_parent_comes_before_it() {
    let check = |blocks, units| rule(check_course(&new_course(blocks, units)));
    assert_eq!(check(vec![block(None), block(Some(0))], vec![unit(Some(1)), unit(None)]), "");
    for parent in [0, 1] {
        assert!(check(vec![block(Some(parent))], vec![]).contains("stands before"), "{parent}");
    }
    assert!(check(vec![block(None)], vec![unit(Some(1))]).contains("stands before"));
}

#[test]
fn a_course_has_an_id_and_a_title_and_not_too_many_units() {
    let nameless = NewCourse { title: String::new(), ..new_course(vec![], vec![]) };
    assert!(rule(check_course(&nameless)).contains("an id and a title"));
    let many = new_course(vec![], vec![unit(None); UNITS_MAX + 1]);
    assert!(rule(check_course(&many)).contains("5000 units"));
}

#[test]
fn paths_stay_inside_the_package_and_are_there_once() {
    let check = |paths: &[&str]| {
        let files: Vec<_> = paths.iter().map(|path| new_file(path, "h")).collect();
        rule(check_files(&files))
    };
    assert_eq!(check(&["a", "b/c", "..d/e"]), "");
    for path in ["", "/a", "a/", "a//b", ".", "a/../b", ".."] {
        assert!(check(&[path]).contains("no path inside"), "{path}");
    }
    assert!(check(&["a", "b", "a"]).contains("there twice"));
    assert!(check(&["a".repeat(PATH_BYTES_MAX + 1).as_str()]).contains("1024 bytes"));
}

#[test]
fn names_are_the_same_at_every_node_and_in_every_release() {
    assert_eq!(course_key("https://example.org/c"), "31c30e90b177f343");
    assert_eq!(
        named(&[new_file("a", "h")]),
        "21a0f4a0310a2a46e52b6ac759d9eb43f532ebd10c13f4188c7bb2c4b85c8502"
    );
}

proptest! {
    /// A package is its course and its files: another of either is another package.
    #[test]
    fn a_package_is_named_by_all_that_is_in_it(
        one in prop::collection::btree_map("[a-c]{1,3}", "[0-9]{1,2}", 0..4),
        other in prop::collection::btree_map("[a-c]{1,3}", "[0-9]{1,2}", 0..4),
    ) {
        let names = [&one, &other].map(|files| {
            named(&files.iter().map(|(path, hash)| new_file(path, hash)).collect::<Vec<_>>())
        });
        prop_assert_eq!(names[0] == names[1], one == other);
    }
}
