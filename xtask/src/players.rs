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
/// The files that are wanted of the packages, and their names here. Licences go with them.
const FILES: [(&str, &str); 3] = [
    ("scorm-again/dist/scorm12.min.js", "scorm12.min.js"),
    ("scorm-again/dist/scorm2004.min.js", "scorm2004.min.js"),
    ("scorm-again/LICENSE", "scorm-again.LICENSE.txt"),
];

/// Brings the files, unless they are there as the lock file has them. A node without them plays
/// cmi5 only, and says so; that is no reason to build none.
pub fn bring(root: &Path) -> Result<()> {
    let (source, place) = (root.join(SOURCE), root.join(PLACE));
    let packages = place.join("npm");
    let is_same = |name: &str| match (fs::read(source.join(name)), fs::read(packages.join(name))) {
        (Ok(wanted), Ok(known)) => wanted == known,
        _ => false,
    };
    let is_there = |(_, name): (&str, &str)| place.join(name).is_file();
    if LISTS.into_iter().all(is_same) && FILES.into_iter().all(is_there) {
        return Ok(());
    }
    let without = "this build plays no SCORM courses";
    if !is_installed("npm") {
        say(&format!("there is no npm here: {without}; install it and build again"));
        return Ok(());
    }
    if let Err(error) = install(&source, &place, &packages) {
        say(&format!("npm could not bring the players, so {without}: {error:#}"));
    }
    Ok(())
}

fn install(source: &Path, place: &Path, packages: &Path) -> Result<()> {
    fs::create_dir_all(packages)?;
    for name in LISTS {
        fs::copy(source.join(name), packages.join(name))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(packages);
    run_unseen(&mut npm)?;
    for (file, name) in FILES {
        let from = packages.join("node_modules").join(file);
        fs::copy(&from, place.join(name)).with_context(|| from.display().to_string())?;
    }
    Ok(())
}
