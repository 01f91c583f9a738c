//! Packages of web pages without a manifest: a zip with `index.html`, as authoring tools export
//! sites. Its only unit is done once it was opened.

use hedgeschool_package::{Certainty, Course, Error, Folder, Format, Player, Unit};
use uuid::Uuid;

/// The page that is opened, in the package's root folder.
const INDEX: &str = "index.html";
/// Longest title, in characters.
const TITLE_MAX: usize = 200;
/// The namespace of every UUID derived here. It never changes: records depend on it.
const NAMESPACE: Uuid = Uuid::from_u128(0x7c0d_3be5_41f6_4f0a_b6a8_0d6e_55c9_1f42);

/// Packages of pages.
pub struct Pages;

impl Format for Pages {
    fn name(&self) -> &'static str {
        "pages"
    }

    fn manifest_path(&self) -> Option<&'static str> {
        Some(INDEX)
    }

    fn certainty(&self) -> Certainty {
        Certainty::Page
    }

    fn read_course(&self, folder: &Folder<'_>) -> Result<Course, Error> {
        let title = page_title(folder.text(INDEX)?).unwrap_or_else(|| "Untitled".to_owned());
        let id = Uuid::new_v5(&NAMESPACE, title.as_bytes()).urn().to_string();
        let note = "It has no manifest of cmi5 or SCORM: it is done once it was opened, and records \
            nothing else.";
        let page = format!("{id}#pages");
        let unit = Unit::played(Player::Page, page, title.clone(), INDEX.to_owned());
        Ok(Course {
            id,
            title,
            description: String::new(),
            blocks: Vec::new(),
            units: vec![unit],
            notes: vec![note.to_owned()],
            lacks: Vec::new(),
        })
    }
}

/// The title of a page, with its white space put right.
fn page_title(html: &str) -> Option<String> {
    let lower = html.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower.get(start..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</title")?;
    let words: Vec<_> = html.get(start..end)?.split_whitespace().collect();
    let title: String = words.join(" ").chars().take(TITLE_MAX).collect();
    (!title.is_empty()).then(|| unescape_entities(&title))
}

/// The characters that every tool escapes in a title.
fn unescape_entities(text: &str) -> String {
    let escapes = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    escapes.iter().fold(text.to_owned(), |text, (escape, meant)| text.replace(escape, meant))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(html: &str) -> Course {
        Pages.read_course(&Folder::default().with_text(INDEX, html.to_owned())).unwrap()
    }

    #[test]
    fn a_site_is_a_course_of_one_unit_by_its_title() {
        let html = "<!DOCTYPE html><HTML><Title lang=en>\n Knots\n &amp; hedges </TITLE>";
        let course = read(html);
        assert_eq!((course.title.as_str(), course.units.len()), ("Knots & hedges", 1));
        assert_eq!(course.units[0].player, Player::Page);
        assert_eq!(course.id, read(html).id);
    }

    #[test]
    fn a_page_needs_no_title() {
        for html in ["", "<title>", "<title></title>", "<title", "İ<title>x"] {
            assert_eq!(read(html).title, "Untitled", "{html}");
        }
    }
}
