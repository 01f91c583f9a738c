//! What the players of the component `players` are made with: packages of npm, brought here at
//! build, as its lock file has them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{is_installed, run_unseen};
use crate::progress::say;

/// Where the component's build looks for files.
const PLACE: &str = "target/players";
/// What names the packages.
const SOURCE: &str = "components/players";
const LISTS: [&str; 2] = ["package.json", "package-lock.json"];
/// The files and folders that are wanted of the packages, and their names here. Licences go with
/// them.
const FILES: [(&str, &str); 33] = [
    ("foliate-js/epub.js", "foliate-js/epub.js"),
    ("foliate-js/epubcfi.js", "foliate-js/epubcfi.js"),
    ("foliate-js/fixed-layout.js", "foliate-js/fixed-layout.js"),
    ("foliate-js/overlayer.js", "foliate-js/overlayer.js"),
    ("foliate-js/paginator.js", "foliate-js/paginator.js"),
    ("foliate-js/progress.js", "foliate-js/progress.js"),
    ("foliate-js/text-walker.js", "foliate-js/text-walker.js"),
    ("foliate-js/view.js", "foliate-js/view.js"),
    ("foliate-js/LICENSE", "foliate-js/LICENSE.txt"),
    ("construct-style-sheets-polyfill/dist/adoptedStyleSheets.js", "foliate-js/polyfill.js"),
    ("construct-style-sheets-polyfill/LICENSE.md", "foliate-js/polyfill.LICENSE.txt"),
    ("h5p-standalone/dist/frame.bundle.js", "h5p-standalone/frame.bundle.js"),
    ("h5p-standalone/dist/main.bundle.js", "h5p-standalone/main.bundle.js"),
    ("h5p-standalone/dist/fonts", "h5p-standalone/fonts"),
    ("h5p-standalone/dist/images", "h5p-standalone/images"),
    ("h5p-standalone/dist/styles", "h5p-standalone/styles"),
    ("h5p-standalone/LICENSE", "h5p-standalone/LICENSE.txt"),
    ("marked/lib/marked.esm.js", "marked/marked.esm.js"),
    ("marked/LICENSE", "marked/LICENSE.txt"),
    ("pdfjs-dist/legacy/build/pdf.min.mjs", "pdfjs-dist/pdf.min.mjs"),
    ("pdfjs-dist/legacy/build/pdf.worker.min.mjs", "pdfjs-dist/pdf.worker.min.mjs"),
    ("pdfjs-dist/legacy/web/pdf_viewer.mjs", "pdfjs-dist/pdf_viewer.mjs"),
    ("pdfjs-dist/legacy/web/pdf_viewer.css", "pdfjs-dist/pdf_viewer.css"),
    ("pdfjs-dist/legacy/web/images", "pdfjs-dist/images"),
    ("pdfjs-dist/cmaps", "pdfjs-dist/cmaps"),
    ("pdfjs-dist/standard_fonts", "pdfjs-dist/standard_fonts"),
    ("pdfjs-dist/wasm/jbig2.wasm", "pdfjs-dist/wasm/jbig2.wasm"),
    ("pdfjs-dist/wasm/openjpeg.wasm", "pdfjs-dist/wasm/openjpeg.wasm"),
    ("pdfjs-dist/wasm/qcms_bg.wasm", "pdfjs-dist/wasm/qcms_bg.wasm"),
    ("pdfjs-dist/LICENSE", "pdfjs-dist/LICENSE.txt"),
    ("scorm-again/dist/scorm12.min.js", "scorm-again/scorm12.min.js"),
    ("scorm-again/dist/scorm2004.min.js", "scorm-again/scorm2004.min.js"),
    ("scorm-again/LICENSE", "scorm-again/LICENSE.txt"),
];

/// Brings the files, unless they are there as the lock file has them. A node without them says what
/// it does not play; that is no reason to build none.
pub fn bring_files(root: &Path) -> Result<()> {
    let (source, place) = (root.join(SOURCE), root.join(PLACE));
    let packages = place.join("npm");
    let is_same = |name: &str| match (fs::read(source.join(name)), fs::read(packages.join(name))) {
        (Ok(wanted), Ok(known)) => wanted == known,
        _ => false,
    };
    let is_there = |(_, name): (&str, &str)| place.join(name).exists();
    if LISTS.into_iter().all(is_same) && FILES.into_iter().all(is_there) {
        return Ok(());
    }
    let without = "this build plays no SCORM, H5P, PDF, EPUB and Markdown, but cmi5, pages, films, sound and \
        pictures";
    if !is_installed("npm") {
        say(&format!("there is no npm here: {without}; install it and build again"));
        return Ok(());
    }
    if let Err(error) = install_packages(&source, &place, &packages) {
        say(&format!("npm could not bring the players, so {without}: {error:#}"));
    }
    Ok(())
}

fn install_packages(source: &Path, place: &Path, packages: &Path) -> Result<()> {
    fs::create_dir_all(packages)?;
    for name in LISTS {
        fs::copy(source.join(name), packages.join(name))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional"])
        .current_dir(packages);
    run_unseen(&mut npm)?;
    // What an earlier release wanted is of no use.
    for entry in fs::read_dir(place)? {
        let path = entry?.path();
        match (path == packages, path.is_dir()) {
            (true, _) => {}
            (false, true) => fs::remove_dir_all(&path)?,
            (false, false) => fs::remove_file(&path)?,
        }
    }
    for (file, name) in FILES {
        copy_tree(&packages.join("node_modules").join(file), &place.join(name))?;
    }
    Ok(())
}

/// Copies a file, or a folder with all in it.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        fs::create_dir_all(to.parent().unwrap_or(to))?;
        fs::copy(from, to).with_context(|| from.display().to_string())?;
        return Ok(());
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy_tree(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
