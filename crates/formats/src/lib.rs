//! The formats of course packages that are known here, for whoever opens packages.

use hedgeschool_cmi5::Cmi5;
use hedgeschool_package::Format;
use hedgeschool_pages::Pages;
use hedgeschool_scorm::Scorm;

/// The format of a name: `cmi5`, `scorm` or `pages`.
pub fn named(name: &str) -> Option<&'static dyn Format> {
    match name {
        "cmi5" => Some(&Cmi5),
        "scorm" => Some(&Scorm),
        "pages" => Some(&Pages),
        _ => None,
    }
}

/// All of them. Of a package that has the manifests of several in one folder, the first counts.
pub const ALL: &[&dyn Format] = &[&Cmi5, &Scorm, &Pages];

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
        let package = Package::open(zip.finish().unwrap().into_inner(), ALL).ok()?;
        Some(package.course().units[0].player)
    }

    #[test]
    fn a_manifest_counts_before_a_page_wherever_it_is() {
        let scorm = [("index.html", "<p>"), ("x/imsmanifest.xml", SCORM), ("x/a.html", "<p>")];
        assert_eq!(player(&scorm), Some(Player::Scorm12));
        assert_eq!(player(&[("x/index.html", "<p>"), ("x/a.js", "")]), Some(Player::Page));
        assert_eq!(player(&[("a.html", "<p>")]), None);
    }
}
