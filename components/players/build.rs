//! Lists what the component has to answer: its own files in `static/`, and those that
//! `cargo xtask build` brought from npm into `target/players`. Without these, it has none of them.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("files.rs");
    let mut arms = String::new();
    for folder in [here.join("static"), here.join("../../target/players")] {
        println!("cargo::rerun-if-changed={}", folder.display());
        for path in files(&folder)? {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            arms += &format!("        {name:?} => include_bytes!({:?}),\n", path.canonicalize()?);
        }
    }
    let code = format!(
        "fn bytes(name: &str) -> Option<&'static [u8]> {{\n    Some(match name {{\n{arms}        \
         _ => return None,\n    }})\n}}\n"
    );
    fs::write(out, code)?;
    Ok(())
}

/// The files of a folder, in order; of one that is not there, none.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<_> = entries.collect::<Result<_, _>>()?;
    paths.retain(|path| path.is_file());
    paths.sort();
    Ok(paths)
}
