use super::*;

fn read(name: &str, files: &[&'static str], texts: &[(&str, &str)]) -> Result<Course, Error> {
    let mut folder = Folder::new(name, files.to_vec());
    for (path, text) in texts {
        folder = folder.with_text(path, (*text).to_owned());
    }
    Documents.read_course(&folder)
}

fn titles(course: &Course) -> Vec<&str> {
    course.units.iter().map(|unit| unit.title.as_str()).collect()
}

#[test]
fn a_file_is_a_course_of_one_unit() {
    let course = read("Tying knots.pdf", &["Tying knots.pdf"], &[]).unwrap();
    assert_eq!((course.title.as_str(), titles(&course)), ("Tying knots", vec!["Tying knots"]));
    assert_eq!(course.units[0].url, "Tying%20knots.pdf");
    assert_eq!(course.units[0].file_path().unwrap(), "Tying knots.pdf");
}

#[test]
fn files_of_a_zip_are_units_in_the_order_of_people_and_folders_are_blocks() {
    let files = ["b/10 end.pdf", "b/2 film.mp4", "a.png", "b/c/x.mp3", "b/notes.txt"];
    let course = read("Week 1.zip", &files, &[]).unwrap();
    assert_eq!(titles(&course), ["a", "2 film", "10 end", "x"]);
    let blocks: Vec<_> = course.blocks.iter().map(|it| (it.title.as_str(), it.parent)).collect();
    assert_eq!(blocks, [("b", None), ("c", Some(0))]);
    assert_eq!(course.units[3].block, Some(1));
    assert_eq!(Documents.find_roots(&["w/a.pdf", "w/b/c.pdf", "x.txt"]), ["w"]);
    assert_eq!(Documents.find_roots(&["w/a.pdf", "v/a.pdf"]), [""]);
    assert!(Documents.find_roots(&["a.txt"]).is_empty());
}

#[test]
fn what_a_text_shows_is_part_of_it() {
    let files = ["a.md", "pictures/my hedge.png", "other.png"];
    let text = "![a hedge](pictures/my%20hedge.png)";
    assert_eq!(titles(&read("", &files, &[("a.md", text)]).unwrap()), ["a", "other"]);
}

#[test]
fn captions_go_with_their_film() {
    let files = ["v/a.mp4", "v/a.en.vtt", "v/a.vtt", "v/ab.vtt", "v/a.txt"];
    let course = read("", &files, &[]).unwrap();
    let expected =
        r#"{"captions":[{"src":"a.en.vtt","language":"en"},{"src":"a.vtt","language":""}]}"#;
    assert_eq!(course.units[0].launch_parameters, expected);
}

#[test]
fn what_browsers_do_not_show_is_told_with_what_helps() {
    let course = read("", &["a.pdf", "b.docx"], &[]).unwrap();
    assert!(course.notes[0].contains("b.docx") && course.notes[0].contains("PDF"));
    let refusal = read("", &["b.docx"], &[]).unwrap_err().to_string();
    assert!(refusal.contains("save it as PDF"), "{refusal}");
    assert!(Documents.check_alone("a.mov", b"").unwrap_err().to_string().contains("MP4"));
    assert!(Documents.check_alone("a.pdf", b"<html>").is_err());
}

#[test]
fn what_would_take_long_is_refused() {
    assert!(check_search(1 << 20, 2_000).is_ok());
    assert!(check_search(32 << 20, 20_000).unwrap_err().to_string().contains("in parts"));
    let mut outline = Outline::new("c");
    for number in 0..10 {
        let deep = format!("{number}/").repeat(490) + "a.pdf";
        assert!(outline.block_of(&deep).is_ok());
    }
    let one_more = "x/".repeat(500) + "a.pdf";
    let error = outline.block_of(&one_more).unwrap_err().to_string();
    assert!(error.contains("more than 5000 folders"), "{error}");
}
