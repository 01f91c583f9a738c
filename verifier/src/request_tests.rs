use std::fs;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

const COURSE: &str = r#"<courseStructure
    xmlns="https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd">
  <course id="https://example.org/knots">
    <title><langstring lang="en">Knots</langstring></title>
    <description><langstring lang="en">How to tie them</langstring></description>
  </course>
  <au id="https://example.org/knots/reef">
    <title><langstring lang="en">Reef
knot</langstring></title>
    <description><langstring lang="en">The first one</langstring></description>
    <url>index.html</url>
  </au>
</courseStructure>"#;

fn package(path: &Path, files: &[(&str, &str)]) {
    let mut zip = ZipWriter::new(fs::File::create(path).unwrap());
    for (name, text) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
}

/// What a command line comes to, and what it prints with `folder` left out.
fn run(folder: &Path, words: &[&str]) -> (Result<Verdict, String>, String) {
    let mut out = Vec::new();
    let words: Vec<_> = words.iter().map(OsString::from).collect();
    let verdict = Request::parse(&words).and_then(|request| request.run(&mut out));
    let printed = String::from_utf8(out).unwrap();
    let printed = printed.replace(&format!("{}/", folder.display()), "");
    (verdict.map_err(|error| error.to_string()), printed)
}

#[test]
fn a_folder_of_packages_is_checked_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let whole = [("cmi5.xml", COURSE), ("index.html", "<p>Over, under"), ("empty.txt", "")];
    package(&path("2-knots.zip"), &whole);
    package(&path("1-slip.ZIP"), &[("../cmi5.xml", COURSE)]);
    package(&path("3-page.zip"), &[("cmi5.xml", COURSE)]);
    fs::write(path("notes.txt"), "no package").unwrap();
    let (verdict, printed) = run(folder.path(), &["package", folder.path().to_str().unwrap()]);
    assert_eq!(verdict, Ok(Verdict::Refused));
    let expected = format!(
        r#"1-slip.ZIP: refused: "../cmi5.xml" has an empty, `.` or `..` segment in its name
2-knots.zip: course "Knots" "https://example.org/knots": 1 unit(s), 3 file(s), {} bytes
  unit "Reef\nknot" "https://example.org/knots/reef" at "index.html"
3-page.zip: refused: "#,
        COURSE.len() + 14
    );
    assert!(printed.starts_with(&expected), "{printed}");
    assert!(printed.contains("index.html"), "{printed}");
    let good = path("2-knots.zip");
    let (verdict, _) = run(folder.path(), &["package", good.to_str().unwrap()]);
    assert_eq!(verdict, Ok(Verdict::Fine));
}

#[test]
fn every_file_is_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("knots.zip");
    let page = "a page whose bytes are stored as they are";
    let mut zip = ZipWriter::new(fs::File::create(&path).unwrap());
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, text) in [("cmi5.xml", COURSE), ("index.html", "<p>"), ("last.html", page)] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let place = bytes.windows(page.len()).position(|part| part == page.as_bytes()).unwrap();
    bytes[place] ^= 1;
    fs::write(&path, bytes).unwrap();
    let (verdict, printed) = run(folder.path(), &["package", path.to_str().unwrap()]);
    assert_eq!(verdict, Ok(Verdict::Refused));
    assert!(printed.contains(r#"refused: "last.html" is damaged"#), "{printed}");
}

#[test]
fn the_files_of_a_journal_go_on_from_each_other() {
    let folder = tempfile::tempdir().unwrap();
    for (name, after, last) in [("1.json", 0, 4), ("2.json", 4, 6)] {
        let receipt = if after > 0 { "r4" } else { "" };
        let text = format!(
            r#"{{"node":"n","journal":"identity","epoch":"e","lane":"backlog","after":{after},
              "before":{{"through":{{"sequence":{after},"receipt":"{receipt}"}}}},
              "receipt":"r{last}","entries":[{{"sequence":{last},"kind":"person","payload":1}}]}}"#
        );
        fs::write(folder.path().join(name), text).unwrap();
    }
    let (verdict, printed) = run(folder.path(), &["journal", folder.path().to_str().unwrap()]);
    assert_eq!(verdict, Ok(Verdict::Fine));
    let expected = "1.json: 1 message(s)\n2.json: 1 message(s)\n\
        identity of \"n\", going up, epoch \"e\": 4 to 6; 2 person\n";
    assert_eq!(printed, expected);
}

#[test]
fn a_file_that_is_too_large_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.zip");
    fs::File::create(&path).unwrap().set_len((16 << 30) + 1).unwrap();
    let (verdict, printed) = run(folder.path(), &["package", path.to_str().unwrap()]);
    assert_eq!(verdict, Ok(Verdict::Refused));
    assert_eq!(printed, "large.zip: refused: the archive has more than 17179869184 bytes\n");
}

#[test]
fn what_cannot_be_looked_at_is_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.zip");
    let missing = missing.to_str().unwrap();
    let empty = folder.path().to_str().unwrap();
    for words in [&[][..], &["package"], &["statement", "x"], &["package", missing]] {
        assert!(run(folder.path(), words).0.is_err(), "{words:?}");
    }
    let (verdict, _) = run(folder.path(), &["journal", empty]);
    assert!(verdict.unwrap_err().ends_with("a folder without any .json or .jsonl or .ndjson"));
}
