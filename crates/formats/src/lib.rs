//! The formats of course packages that are known here, for whoever opens packages.

use hedgeschool_cmi5::Cmi5;
use hedgeschool_documents::Documents;
use hedgeschool_epub::Epub;
use hedgeschool_h5p::H5p;
use hedgeschool_package::Format;
use hedgeschool_pages::Pages;
use hedgeschool_scorm::Scorm;

/// All of them. Of a package that is as surely of several, the first counts.
pub const ALL: &[&dyn Format] = &[&Cmi5, &Scorm, &H5p, &Epub, &Pages, &Documents];

/// The format of a name.
pub fn format_named(name: &str) -> Option<&'static dyn Format> {
    ALL.iter().find(|format| format.name() == name).copied()
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use hedgeschool_package::{Package, Player};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    const SCORM: &str = r#"<manifest identifier="m"><organizations><organization><item
        identifier="i" identifierref="r"><title>I</title></item></organization></organizations>
        <resources><resource identifier="r" scormtype="sco" href="a.html"/></resources></manifest>"#;

    fn player(files: &[(&str, &str)]) -> Option<Player> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, data) in files {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(data.as_bytes()).unwrap();
        }
        let package = Package::open(zip.finish().unwrap().into_inner(), "a.zip", ALL).ok()?;
        Some(package.course().units[0].player)
    }

    #[test]
    fn a_manifest_counts_before_a_page_wherever_it_is() {
        let scorm = [("index.html", "<p>"), ("x/imsmanifest.xml", SCORM), ("x/a.html", "<p>")];
        assert_eq!(player(&scorm), Some(Player::Scorm12));
        assert_eq!(player(&[("x/index.html", "<p>"), ("x/a.js", "")]), Some(Player::Page));
        assert_eq!(player(&[("a.txt", "<p>")]), None);
        let site = [("index.html", "<p>"), ("a.pdf", "%PDF-"), ("b.mp4", "")];
        assert_eq!(player(&site), Some(Player::Page));
        assert_eq!(player(&[("x/a.pdf", "%PDF-"), ("x/a.js", "")]), Some(Player::Pdf));
    }

    #[test]
    fn a_file_by_itself_is_a_package_too() {
        let open = |name, bytes: &'static [u8]| Package::open(bytes, name, ALL);
        let package = open("a.pdf", b"%PDF-1.7").unwrap();
        assert_eq!(package.course().units[0].player, Player::Pdf);
        assert_eq!(package.entries()[0].path, "a.pdf");
        assert_eq!(open("a.svg", b"<svg/>").unwrap().course().units[0].player, Player::Image);
        assert!(open("a.txt", b"a").is_err() && open("", b"%PDF-1.7").is_err());
    }

    #[test]
    fn formats_have_different_names() {
        for format in ALL {
            assert_eq!(format_named(format.name()).map(|found| found.name()), Some(format.name()));
        }
    }
}
