//! Lists what the component has to answer: its own files in `static/`, and those that
//! `cargo xtask build` brought from npm into `target/players`. Without these, it has none of them.
//! They are packed, as browsers want them over slow links, and so are a third of the component.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// What npm itself needs.
const NOT_SERVED: &str = "npm";
/// Bytes of a hash that name what a file has.
const TAG_BYTES: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut arms = String::new();
    for folder in [here.join("static"), here.join("../../target/players")] {
        println!("cargo::rerun-if-changed={}", folder.display());
        for name in files(&folder, Path::new(""))? {
            let bytes = fs::read(folder.join(&name))?;
            let tag: String =
                Sha256::digest(&bytes).iter().take(TAG_BYTES).map(|b| format!("{b:02x}")).collect();
            let packed = out.join(format!("{tag}.gz"));
            let mut encoder = GzEncoder::new(fs::File::create(&packed)?, Compression::best());
            encoder.write_all(&bytes)?;
            encoder.finish()?;
            arms += &format!(
                "        {:?} => File {{ tag: \"\\\"{tag}\\\"\", packed: include_bytes!({packed:?}) }},\n",
                name.to_str().unwrap_or_default(),
            );
        }
    }
    let code = format!(
        "fn file(name: &str) -> Option<File> {{\n    Some(match name {{\n{arms}        \
         _ => return None,\n    }})\n}}\n"
    );
    fs::write(out.join("files.rs"), code)?;
    Ok(())
}

/// The files below a folder, by their paths from it, in order; of one that is not there, none.
fn files(folder: &Path, path: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let place = folder.join(path);
    if !place.is_dir() {
        return Ok(Vec::new());
    }
    let names = fs::read_dir(place)?.map(|entry| entry.map(|entry| entry.file_name()));
    let mut names: Vec<_> = names.collect::<Result<_, _>>()?;
    names.sort();
    let mut found = Vec::new();
    for name in names.into_iter().filter(|name| name != NOT_SERVED) {
        let path = path.join(name);
        if folder.join(&path).is_dir() {
            found.extend(files(folder, &path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}
