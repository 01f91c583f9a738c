//! Packs what the component has to answer: its own files in `static/`, and those that
//! `cargo xtask build` brought from npm into `target/players`. Without these, it has none of them.

use std::error::Error;
use std::path::Path;

/// What npm itself needs.
const NOT_SERVED: &str = "npm";

fn main() -> Result<(), Box<dyn Error>> {
    let folders = [Path::new("static"), Path::new("../../target/players")];
    hedgeschool_assets::pack(&folders, NOT_SERVED)
}
