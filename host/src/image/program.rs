//! A program for WASI 0.1 as an OCI image, for nodes whose OCI runtime runs such modules itself, as
//! crun does when it is built with WasmEdge.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::archive::ArchiveEntry;
use super::layer::Layer;
use super::layout::Layout;
use super::{USER, WrittenImage, add_image};
use crate::runtime::engine::Architecture;

/// How a module begins (WebAssembly specification, "Binary Format"): its magic, and its version. A
/// component has another one.
const MODULE: &[u8] = b"\0asm\x01\0\0\0";
/// Where its layout is, in the folder that is written to: beside that of an application.
const LAYOUT: &str = "program";

/// Writes an image whose only file is a module, which is also what it starts. It is the same for
/// all processors, and says so for those that edge nodes have.
///
/// # Errors
/// When the file is no module, or the folder cannot be written.
pub fn write_program(
    module: &Path,
    reference: Option<&str>,
    output: &Path,
) -> Result<WrittenImage> {
    let bytes = fs::read(module).with_context(|| format!("{}", module.display()))?;
    let is_module = bytes.starts_with(MODULE);
    ensure!(is_module, "{} is no WebAssembly module, or it is a component", module.display());
    let file = module.file_name().context("a module has a name")?.to_string_lossy();
    let name = module.file_stem().unwrap_or_default().to_string_lossy();
    let version = env!("CARGO_PKG_VERSION");
    let reference = reference.map_or_else(|| format!("localhost/{name}:{version}"), str::to_owned);
    let layers = [Layer::pack_entries(&file, vec![ArchiveEntry::new_file(&file, bytes)])?];
    let container = json!({
        "User": format!("{USER}:{USER}"),
        "Entrypoint": [format!("/{file}")],
        "WorkingDir": "/",
        "Labels": {
            "org.opencontainers.image.title": name,
            "org.opencontainers.image.version": version,
        },
    });
    let mut layout = Layout::in_folder(&output.join(LAYOUT))?;
    let mut manifests = Vec::new();
    for architecture in [Architecture::Amd64, Architecture::Arm64] {
        manifests.push(add_image(&mut layout, &container, architecture, &layers)?);
    }
    let digest = layout.finish_image(&manifests, &reference)?;
    let archive = output.join(format!("{name}.tar"));
    layout.write_archive(&archive, &Default::default())?;
    let bytes = fs::metadata(&archive)?.len();
    Ok(WrittenImage { reference, digest, archive, bytes })
}
