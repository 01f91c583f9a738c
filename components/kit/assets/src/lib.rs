//! For build scripts: packs the files that a component answers by itself.
//!
//! By gzip alone, which every browser takes, and of which the plain file is made for who does not:
//! what brotli would leave away beside is less than a component would grow by having both.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// Bytes of a hash that name what a file has.
const TAG_BYTES: usize = 8;

/// Packs the files below these folders, and writes `assets.rs` into the folder for what a build
/// makes: `fn asset(name: &str) -> Option<hedgeschool_web::Asset>`, by their paths from there. Of a
/// folder that is not there, none; nor of one called `left_out`.
///
/// # Errors
/// When a file cannot be read or written.
pub fn pack(folders: &[&Path], left_out: &str) -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut arms = String::new();
    for folder in folders {
        println!("cargo::rerun-if-changed={}", folder.display());
        for name in list_files(folder, Path::new(""), left_out)? {
            arms += &pack_file(folder, &name, &out)?;
        }
    }
    let code = format!(
        "#[allow(clippy::too_many_lines, reason = \"a list, made at build\")]\n\
         fn asset(name: &str) -> Option<hedgeschool_web::Asset> {{\n    Some(match name {{\n{arms}\
         \x20       _ => return None,\n    }})\n}}\n"
    );
    Ok(fs::write(out.join("assets.rs"), code)?)
}

/// Packs a file; answers how it is found.
fn pack_file(folder: &Path, name: &Path, out: &Path) -> Result<String, Box<dyn Error>> {
    let bytes = fs::read(folder.join(name))?;
    let hash = Sha256::digest(&bytes);
    let tag: String = hash.iter().take(TAG_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let packed = out.join(format!("{tag}.gz"));
    let mut encoder = GzEncoder::new(fs::File::create(&packed)?, Compression::best());
    encoder.write_all(&bytes)?;
    encoder.finish()?;
    let extension = name.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    Ok(format!(
        "        {:?} => hedgeschool_web::Asset {{ media_type: {:?}, tag: {tag:?}, \
         packed: include_bytes!({packed:?}) }},\n",
        name.to_str().unwrap_or_default(),
        media_type(extension),
    ))
}

fn media_type(extension: &str) -> &'static str {
    match extension {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "gif" => "image/gif",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        _ => "application/octet-stream",
    }
}

/// The files below a folder, by their paths from it, in order.
fn list_files(folder: &Path, path: &Path, left_out: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let place = folder.join(path);
    if !place.is_dir() {
        return Ok(Vec::new());
    }
    let names = fs::read_dir(place)?.map(|entry| entry.map(|entry| entry.file_name()));
    let mut names: Vec<_> = names.collect::<Result<_, _>>()?;
    names.sort();
    let mut found = Vec::new();
    for name in names.into_iter().filter(|name| name != left_out) {
        let path = path.join(name);
        if folder.join(&path).is_dir() {
            found.extend(list_files(folder, &path, left_out)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}
