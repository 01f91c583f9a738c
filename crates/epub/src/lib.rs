//! Books as pure functions: understanding the package document of an EPUB.
//!
//! Section numbers in these docs refer to EPUB 3.3; EPUB 2 is the same as far as it is read here.

use hedgeschool_package::document::{Doctype, Manifest};
use hedgeschool_package::{Course, Error, Folder, Format, Player, Unit, address};
use percent_encoding::percent_decode_str;
use roxmltree::Node;
use uuid::Uuid;

/// What says where the package document is (4.2.6.3.1).
const CONTAINER: &str = "META-INF/container.xml";
/// What says which files are encrypted (4.2.6.3.2).
const ENCRYPTION: &str = "META-INF/encryption.xml";
/// Ways to make fonts useless outside their book, which readers undo (4.3).
const OBFUSCATIONS: [&str; 2] =
    ["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"];
/// Longest name of a file that is missing, times so many.
const NAMED_MAX: usize = 5;
/// The namespace of every UUID derived here. It never changes: records depend on it.
const NAMESPACE: Uuid = Uuid::from_u128(0x0b6d_92c4_3f18_4e6a_8d27_51c9_e0a4_7be3);

/// Books.
pub struct Epub;

impl Format for Epub {
    fn name(&self) -> &'static str {
        "epub"
    }

    fn manifest_path(&self) -> Option<&'static str> {
        Some(CONTAINER)
    }

    fn known_by(&self) -> &'static str {
        "META-INF/container.xml (EPUB)"
    }

    fn wanted_files(&self, folder: &Folder<'_>) -> Result<Vec<String>, Error> {
        let mut wanted = vec![package_document(folder)?];
        if folder.has_file(ENCRYPTION) {
            wanted.push(ENCRYPTION.to_owned());
        }
        Ok(wanted)
    }

    fn read_course(&self, folder: &Folder<'_>) -> Result<Course, Error> {
        check_encryption(folder)?;
        let path = package_document(folder)?;
        let file = Manifest { name: "package document" };
        let document = file.parse(folder.text(&path)?, Doctype::Empty)?;
        let root = document.root_element();
        if root.tag_name().name() != "package" {
            return Err(file.broken_rule(root, "is not <package>"));
        }
        let notes = check_pages(folder, &path, root, file)?;
        let said = |name| metadata_text(root, name);
        let title = said("title").unwrap_or_else(|| folder.default_title().to_owned());
        let title = if title.is_empty() { "Untitled".to_owned() } else { title };
        let name = said("identifier").unwrap_or_else(|| title.clone());
        let id = Uuid::new_v5(&NAMESPACE, name.as_bytes()).urn().to_string();
        let unit = format!("{id}#book");
        Ok(Course {
            // From there readers find everything else.
            units: vec![Unit::played(Player::Epub, unit, title.clone(), CONTAINER.to_owned())],
            id,
            title,
            description: said("creator").unwrap_or_default(),
            blocks: Vec::new(),
            notes,
            lacks: Vec::new(),
        })
    }
}

/// Where the package document is: the first, if there are several of one book.
fn package_document(folder: &Folder<'_>) -> Result<String, Error> {
    let file = Manifest { name: CONTAINER };
    let document = file.parse(folder.text(CONTAINER)?, Doctype::Empty)?;
    let mut named = document.descendants().filter(|node| node.tag_name().name() == "rootfile");
    let path = named.find_map(|node| node.attribute("full-path"));
    let path = path.ok_or_else(|| file.refusal("it names no rootfile"))?;
    Ok(path.trim_start_matches('/').to_owned())
}

fn check_encryption(folder: &Folder<'_>) -> Result<(), Error> {
    if !folder.has_file(ENCRYPTION) {
        return Ok(());
    }
    let file = Manifest { name: ENCRYPTION };
    let document = file.parse(folder.text(ENCRYPTION)?, Doctype::Empty)?;
    let methods = document.descendants().filter(|node| is_element(*node, "EncryptionMethod"));
    let mut kinds = methods.filter_map(|node| node.attribute("Algorithm"));
    match kinds.find(|kind| !OBFUSCATIONS.contains(kind)) {
        Some(_) => Err(file.refusal("the book is encrypted (DRM), and opens only in its own app")),
        None => Ok(()),
    }
}

fn is_element(node: Node, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

/// What the metadata say, the first time (5.5.3).
fn metadata_text(root: Node, name: &str) -> Option<String> {
    let metadata = root.children().find(|node| is_element(*node, "metadata"))?;
    let node = metadata.descendants().find(|node| is_element(*node, name))?;
    let words: Vec<_> = node.text()?.split_whitespace().collect();
    Some(words.join(" ")).filter(|text| !text.is_empty())
}

/// Checks that the book has pages, and says which of its files are elsewhere or nowhere.
fn check_pages(
    folder: &Folder<'_>,
    path: &str,
    root: Node,
    file: Manifest,
) -> Result<Vec<String>, Error> {
    let is_spine = |node: &Node| is_element(*node, "spine");
    let spine =
        root.children().find(is_spine).ok_or_else(|| file.broken_rule(root, "has no <spine>"))?;
    if !spine.children().any(|node| is_element(node, "itemref")) {
        return Err(file.broken_rule(spine, "has no <itemref>: the book has no pages"));
    }
    let (mut remote, mut missing) = (0, Vec::new());
    for item in root.descendants().filter(|node| is_element(*node, "item")) {
        let Some(href) = item.attribute("href") else { continue };
        if address::is_absolute(href) {
            remote += 1;
        } else if !folder.has_file(&resolve_path(path, href)) && missing.len() < NAMED_MAX {
            missing.push(href.to_owned());
        }
    }
    let mut notes = Vec::new();
    if remote > 0 {
        notes.push(format!("{remote} of its files are elsewhere: they need a network."));
    }
    if !missing.is_empty() {
        notes.push(format!("It names files that it does not have: {}.", missing.join(", ")));
    }
    Ok(notes)
}

/// The file that an address in the package document means.
fn resolve_path(document: &str, href: &str) -> String {
    let href = href.split(['?', '#']).next().unwrap_or_default();
    let href = percent_decode_str(href).decode_utf8_lossy();
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut segments: Vec<_> = folder.split('/').filter(|segment| !segment.is_empty()).collect();
    for segment in href.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = r#"<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
        <rootfiles><rootfile full-path="OPS/book.opf" media-type="x"/></rootfiles></container>"#;
    const BOOK: &str = r#"<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata
        xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The
        hedge school</dc:title><dc:identifier>urn:isbn:1</dc:identifier>
        <dc:creator>A. Hedge</dc:creator></metadata>
        <manifest><item id="a" href="../one%20page.xhtml"/></manifest>
        <spine><itemref idref="a"/></spine></package>"#;

    fn read(book: &str, more: &[(&str, &str)]) -> Result<Course, Error> {
        let paths = more.iter().map(|(path, _)| *path);
        let paths = ["OPS/book.opf", "one page.xhtml"].into_iter().chain(paths).collect();
        let mut folder = Folder::new("a.epub", paths)
            .with_text(CONTAINER, ROOT.to_owned())
            .with_text("OPS/book.opf", book.to_owned());
        for (path, text) in more {
            folder = folder.with_text(path, (*text).to_owned());
        }
        assert_eq!(Epub.wanted_files(&folder)?.first().unwrap(), "OPS/book.opf");
        Epub.read_course(&folder)
    }

    #[test]
    fn a_book_is_a_course_of_one_unit_whose_identifier_names_it() {
        let course = read(BOOK, &[]).unwrap();
        assert_eq!(course.title, "The hedge school");
        assert_eq!(course.description, "A. Hedge");
        assert!(course.notes.is_empty(), "{:?}", course.notes);
        let later = BOOK.replace("hedge school", "hedge school, second edition");
        assert_eq!(read(&later, &[]).unwrap().id, course.id);
        let other = BOOK.replace("isbn:1", "isbn:2");
        assert_ne!(read(&other, &[]).unwrap().id, course.id);
    }

    #[test]
    fn what_a_book_lacks_is_told() {
        let missing = BOOK.replace("../one%20page", "two");
        assert!(read(&missing, &[]).unwrap().notes[0].contains("two.xhtml"));
        let remote = BOOK.replace("../one%20page.xhtml", "https://a.example/film.mp4");
        assert!(read(&remote, &[]).unwrap().notes[0].contains("network"));
    }

    #[test]
    fn a_book_without_pages_or_with_a_lock_is_refused() {
        let empty = BOOK.replace("<itemref idref=\"a\"/>", "");
        assert!(read(&empty, &[]).unwrap_err().to_string().contains("no pages"));
        let method = |kind| format!("<e><EncryptionMethod Algorithm='{kind}'/></e>");
        let locked = method("http://www.w3.org/2001/04/xmlenc#aes128-cbc");
        let refusal = read(BOOK, &[(ENCRYPTION, &locked)]).unwrap_err().to_string();
        assert!(refusal.contains("DRM"), "{refusal}");
        assert!(read(BOOK, &[(ENCRYPTION, &method(OBFUSCATIONS[0]))]).is_ok());
    }
}
