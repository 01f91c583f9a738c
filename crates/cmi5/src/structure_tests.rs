use hedgeschool_package::{LaunchMethod, MoveOn};
use proptest::prelude::*;

use super::*;

fn document(inner: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<courseStructure xmlns="{NAMESPACE}">
<course id="https://example.org/c">
  <title><langstring lang="en"> A course </langstring><langstring lang="ga">Cúrsa</langstring></title>
  <description><langstring lang="en"></langstring></description>
</course>
{inner}
</courseStructure>"#
    )
}

fn unit(id: &str, attributes: &str, url: &str) -> String {
    format!(
        r#"<au id="https://example.org/{id}" {attributes}>
  <title><langstring lang="en">Unit {id}</langstring></title>
  <description><langstring lang="en">-</langstring></description>
  <url>{url}</url>
</au>"#
    )
}

fn block(id: &str, inner: &str) -> String {
    format!(
        r#"<block id="https://example.org/{id}">
  <title><langstring lang="en">Block</langstring></title>
  <description><langstring lang="en">-</langstring></description>{inner}</block>"#
    )
}

fn parse(inner: &str) -> Result<Course, Error> {
    parse_structure(&document(inner))
}

fn refusal(inner: &str) -> String {
    parse(inner).unwrap_err().to_string()
}

#[test]
fn units_are_read_in_order_from_nested_blocks() {
    let attributes = r#"moveOn="CompletedAndPassed" masteryScore="0.75" launchMethod="OwnWindow""#;
    let inner = [
        unit("1", attributes, " a.html?x=1 "),
        block("b", &block("bb", &unit("2", "", "https://example.org/u"))),
        unit("3", "", "b.html"),
    ];
    let course = parse(&inner.concat()).unwrap();
    assert_eq!((course.title.as_str(), course.description.as_str()), ("A course", ""));
    let titles: Vec<_> = course.units.iter().map(|unit| unit.title.as_str()).collect();
    assert_eq!(titles, ["Unit 1", "Unit 2", "Unit 3"]);
    let first = &course.units[0];
    assert_eq!((first.move_on, first.mastery_score), (MoveOn::CompletedAndPassed, Some(0.75)));
    assert_eq!((first.launch_method, first.url.as_str()), (LaunchMethod::OwnWindow, "a.html?x=1"));
    assert_eq!(course.units[1].move_on, MoveOn::NotApplicable);
    assert_eq!(course.units[1].file_path(), None);
    let parents: Vec<_> = course.blocks.iter().map(|block| block.parent).collect();
    assert_eq!(parents, [None, Some(0)]);
    let blocks: Vec<_> = course.units.iter().map(|unit| unit.block).collect();
    assert_eq!(blocks, [None, Some(1), None]);
}

#[test]
fn objectives_have_ids_of_their_own() {
    let objective = |id: &str| {
        format!(r#"<objective id="{id}"><title><langstring>O</langstring></title></objective>"#)
    };
    let with = |ids: &[&str]| {
        let all: String = ids.iter().map(|id| objective(id)).collect();
        [format!("<objectives>{all}</objectives>"), unit("1", "", "x")].concat()
    };
    assert!(parse(&with(&["https://example.org/o", "https://example.org/1"])).is_ok());
    assert!(refusal(&with(&["example.org/o"])).contains("not an IRI"));
    let twice = with(&["https://example.org/o", "https://example.org/o"]);
    assert!(refusal(&twice).contains("another objective"));
}

#[test]
fn what_a_launch_adds_is_not_there_before() {
    for url in ["a.html?endpoint=https://e/", "a.html?x=1&amp;fetch", "https://e/?actor=#x"] {
        assert!(refusal(&unit("1", "", url)).contains("which is the launch's"), "{url}");
    }
    assert!(parse(&unit("1", "", "a.html?endpoints=1#?fetch=1")).is_ok());
}

#[test]
fn broken_rules_are_named_with_element_and_line() {
    let no_url = unit("1", "", "x").replace("<url>x</url>", "");
    assert_eq!(
        refusal(&no_url),
        r#"cmi5.xml, line 7: <au id="https://example.org/1"> has no <url>"#
    );
    assert!(refusal(&unit("1", r#"moveOn="Sometimes""#, "x")).contains("moveOn \"Sometimes\""));
    assert!(refusal(&unit("1", r#"masteryScore="1.5""#, "x")).contains("masteryScore"));
    assert!(refusal(&unit("1", r#"masteryScore="NaN""#, "x")).contains("masteryScore"));
    assert!(refusal(&unit("1", "", "javascript:alert(1)")).contains("neither relative nor"));
    assert!(refusal(&unit("1", "", "https://a; script-src */x")).contains("well-formed"));
    assert!(refusal(&unit("1", "", "")).contains("is empty"));
    assert!(refusal(&[unit("1", "", "x"), unit("1", "", "y")].concat()).contains("another unit"));
    assert!(refusal(&block("b", "")).contains("neither an <au> nor a <block>"));
    assert!(refusal("").contains("has no <au>"));
    let not_iri = unit("1", "", "x").replace("https://example.org/1", "one");
    assert!(refusal(&not_iri).contains("not an IRI"));
}

#[test]
fn other_documents_are_refused() {
    let refused = |xml: &str| parse_structure(xml).unwrap_err().to_string();
    assert!(refused("<courseStructure/>").contains("namespace"));
    assert!(refused("<a><b></a>").starts_with("cmi5.xml: "));
    let entity = r#"<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>"#;
    assert!(refused(entity).contains("DTD"), "{}", refused(entity));
}

#[test]
fn relative_addresses_must_be_files() {
    let course = parse(&unit("1", "", "./a%20b/c.html?x#y")).unwrap();
    assert!(check_urls(&course, &Folder::new("", vec!["a b/c.html"])).is_ok());
    let error = check_urls(&course, &Folder::default()).unwrap_err().to_string();
    assert!(error.contains("no file of the package"), "{error}");
}

#[test]
fn deep_nesting_is_no_trouble() {
    let mut inner = unit("u", "", "x");
    for depth in 0..200 {
        inner = block(&format!("b{depth}"), &inner);
    }
    assert_eq!(parse(&inner).unwrap().units.len(), 1);
    assert!(parse_structure(&"<a>".repeat(2_000_000)).is_err());
    let deep = ["<a>".repeat(400_000), "</a>".repeat(400_000)].concat();
    assert!(parse(&deep).is_err());
}

proptest! {
    #[test]
    fn no_text_is_trouble(text in ".{0,300}", inner in "[<>/=\" a-zé&;!\\[\\]-]{0,200}") {
        let _ = parse_structure(&text);
        let _ = parse(&inner);
        let _ = parse(&unit("1", &inner, "x"));
    }
}
