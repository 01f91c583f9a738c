use proptest::prelude::*;

use super::*;

const V12: &str = "<metadata><schemaversion>1.2</schemaversion></metadata>";
const V2004: &str = "<metadata><schemaversion>2004 3rd Edition</schemaversion></metadata>";

fn manifest(metadata: &str, organizations: &str, resources: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><manifest identifier="Course_ID1" xmlns="urn:any"
        xmlns:adlcp="urn:other" xmlns:imsss="urn:third">{metadata}
        {organizations}<resources>{resources}</resources></manifest>"#
    )
}

fn organization(inner: &str) -> String {
    format!(
        r#"<organizations default="O"><organization identifier="other"><title>Other</title>
        </organization><organization identifier="O"><title> A course </title>{inner}
        </organization></organizations>"#
    )
}

fn item(id: &str, resource: &str, inner: &str) -> String {
    format!(
        r#"<item identifier="{id}" identifierref="{resource}"><title>{id}</title>{inner}</item>"#
    )
}

fn sco(id: &str, href: &str) -> String {
    format!(r#"<resource identifier="{id}" adlcp:scormtype="sco" href="{href}"/>"#)
}

const FILES: [&str; 5] = ["a.html", "sub/b.html", "with space.html", "100%.html", "c#1.html"];

fn read(manifest: &str) -> Result<Course, Error> {
    let folder = Folder::new("", FILES.to_vec());
    Scorm.read_course(&folder.with_text(MANIFEST, manifest.to_owned()))
}

fn refusal(manifest: &str) -> String {
    read(manifest).unwrap_err().to_string()
}

#[test]
fn items_are_units_and_those_around_them_blocks() {
    let inner = [
        item("one", "A", ""),
        r#"<item identifier="group"><title>Group</title>"#.to_owned()
            + &item("two", "A", "")
            + "</item>",
        item("three", "B", &item("four", "A", "")),
    ];
    let resources = sco("A", "a.html") + r#"<resource identifier="B" href="sub/b.html"/>"#;
    let course = read(&manifest(V12, &organization(&inner.concat()), &resources)).unwrap();
    assert_eq!(course.title, "A course");
    let blocks: Vec<_> = course.blocks.iter().map(|block| block.title.as_str()).collect();
    assert_eq!(blocks, ["Group", "three"]);
    let units: Vec<_> =
        course.units.iter().map(|unit| (unit.title.as_str(), unit.block, unit.player)).collect();
    let sco = Player::Scorm12;
    let expected = [
        ("one", None, sco),
        ("two", Some(0), sco),
        ("three", Some(1), Player::Page),
        ("four", Some(1), sco),
    ];
    assert_eq!(units, expected);
    assert!(course.notes[0].contains("several organizations"));
}

#[test]
fn a_course_is_known_by_its_title_and_an_item_by_its_identifier() {
    let of = |title: &str| {
        let organization = organization(&item("one", "A", "")).replace(" A course ", title);
        read(&manifest(V12, &organization, &sco("A", "a.html"))).unwrap()
    };
    let (one, same, other) = (of("One"), of("One"), of("Other"));
    assert_eq!((&one.id, &one.units[0].id), (&same.id, &same.units[0].id));
    assert_ne!(one.id, other.id);
    assert!(one.units[0].id.starts_with("urn:uuid:") && one.units[0].id.ends_with("#one"));
    let twice = organization(&(item("one", "A", "") + &item("one", "A", "")));
    let twice = read(&manifest(V12, &twice, &sco("A", "a.html"))).unwrap();
    assert_ne!(twice.units[0].id, twice.units[1].id);
}

#[test]
fn the_version_says_what_a_sco_looks_for() {
    let player = |metadata: &str| {
        let xml = manifest(metadata, &organization(&item("i", "A", "")), &sco("A", "a.html"));
        read(&xml).unwrap().units[0].player
    };
    assert_eq!(player(V12), Player::Scorm12);
    assert_eq!(player(V2004), Player::Scorm2004);
    assert_eq!(
        player("<metadata><schemaversion>CAM 1.3</schemaversion></metadata>"),
        Player::Scorm2004
    );
    assert_eq!(player(""), Player::Scorm12);
}

#[test]
fn files_are_found_as_tools_name_them() {
    let url = |href: &str| {
        let xml = manifest(V12, &organization(&item("i", "A", "")), &sco("A", href));
        read(&xml).map(|course| course.units[0].url.clone())
    };
    assert_eq!(url("with space.html").unwrap(), "with%20space.html");
    assert_eq!(url("with%20space.html?x=1").unwrap(), "with%20space.html?x=1");
    assert_eq!(url("./sub\\b.html#p").unwrap(), "sub/b.html#p");
    assert_eq!(url("100%.html").unwrap(), "100%.html");
    assert_eq!(url("c#1.html").unwrap(), "c%231.html");
    assert_eq!(url("https://example.org/x").unwrap(), "https://example.org/x");
    assert!(url("missing.html").unwrap_err().to_string().contains("no file of the package"));
}

#[test]
fn bases_add_up() {
    let resources =
        r#"<resource identifier="A" xml:base="ub/" adlcp:scormType="SCO" href="b.html"/>"#;
    let xml = manifest(V12, &organization(&item("i", "A", "")), resources);
    let xml = xml.replace("<resources>", r#"<resources xml:base="s">"#);
    let course = read(&xml).unwrap();
    assert_eq!(
        (course.units[0].url.as_str(), course.units[0].player),
        ("sub/b.html", Player::Scorm12)
    );
}

#[test]
fn scores_are_scaled_whatever_version_says_them() {
    let score = |inner: &str| {
        let xml = manifest(V12, &organization(&item("i", "A", inner)), &sco("A", "a.html"));
        read(&xml).unwrap().units[0].mastery_score
    };
    let objective = |attributes: &str, inner: &str| {
        score(&format!(
            "<imsss:sequencing><imsss:objectives><imsss:primaryObjective {attributes}>{inner}\
             </imsss:primaryObjective></imsss:objectives></imsss:sequencing>"
        ))
    };
    assert_eq!(score("<adlcp:masteryscore>80</adlcp:masteryscore>"), Some(0.8));
    assert_eq!(score("<adlcp:masteryscore>0</adlcp:masteryscore>"), Some(0.0));
    assert_eq!(score("<adlcp:masteryscore>many</adlcp:masteryscore>"), None);
    let measure = "<imsss:minNormalizedMeasure>0.6</imsss:minNormalizedMeasure>";
    assert_eq!(objective(r#"satisfiedByMeasure="true""#, measure), Some(0.6));
    assert_eq!(objective(r#"satisfiedByMeasure="true""#, ""), Some(1.0));
    assert_eq!(objective("", measure), None);
}

#[test]
fn without_an_organization_scos_are_what_there_is() {
    let resources = sco("A", "sub/b.html") + r#"<resource identifier="B" href="a.html"/>"#;
    let course = read(&manifest(V12, "<organizations/>", &resources)).unwrap();
    let titles: Vec<_> = course.units.iter().map(|unit| unit.title.as_str()).collect();
    assert_eq!((course.title.as_str(), titles), ("Course_ID1", vec!["b.html"]));
}

#[test]
fn what_cannot_be_is_refused_by_name_and_line() {
    let missing = manifest(V12, &organization(&item("i", "X", "")), &sco("A", "a.html"));
    assert!(
        refusal(&missing).contains("names \"X\", which is no resource"),
        "{}",
        refusal(&missing)
    );
    assert!(refusal(&missing).starts_with("imsmanifest.xml, line "));
    let empty = manifest(V12, &organization(""), "");
    assert!(refusal(&empty).contains("nothing that can be opened"));
    assert!(refusal("<x/>").contains("is not <manifest>"));
    assert!(refusal("<manifest").starts_with("imsmanifest.xml: "));
}

#[test]
fn what_is_not_honoured_is_said() {
    let inner =
        "<adlcp:prerequisites>x</adlcp:prerequisites><adlcp:dataFromLMS>d</adlcp:dataFromLMS>";
    let xml = manifest(V12, &organization(&item("i", "A", inner)), &sco("A", "a.html"));
    let course = read(&xml).unwrap();
    assert!(course.notes.iter().any(|note| note.starts_with("Prerequisites")));
    assert_eq!(course.units[0].launch_parameters, "d");
}

#[test]
fn an_address_has_a_length() {
    let with_base = |length: usize| {
        let base = "https://a.example/".to_owned() + &"a".repeat(length);
        let resource =
            sco("r", "a.html").replace("<resource", &format!("<resource xml:base=\"{base}\""));
        manifest(V12, &organization(&item("1", "r", "")), &resource)
    };
    assert!(read(&with_base(4_000)).is_ok());
    assert!(refusal(&with_base(4_096)).contains("more than 4096 bytes"));
}

proptest! {
    #[test]
    fn no_manifest_is_trouble(text in ".{0,300}") {
        let _ = read(&text);
        let _ = read(&manifest(V12, &organization(&text), &sco("A", "a.html")));
    }
}
