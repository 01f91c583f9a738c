//! Where things are in this repository.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{MetadataCommand, Package, TargetKind};

/// The repository's folder.
pub fn find_root() -> Result<PathBuf> {
    // Cargo says where it found this package; the fallback is where it was compiled.
    let here = env::var("CARGO_MANIFEST_DIR");
    let here = PathBuf::from(here.unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned()));
    here.parent().map(Path::to_path_buf).context("xtask has no parent folder")
}

/// A Wasm component of a Cargo workspace.
pub struct Component {
    /// The Cargo package.
    pub package: String,
    /// The file that Cargo builds, without folder.
    pub file: String,
}

/// The components of the workspace with this manifest: its members in `folder` that build a
/// `cdylib`.
pub fn find_components(manifest: &Path, folder: &Path) -> Result<Vec<Component>> {
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .with_context(|| format!("reading {}", manifest.display()))?;
    let members = metadata.workspace_packages().into_iter();
    let inside = members.filter(|package| package.manifest_path.as_std_path().starts_with(folder));
    Ok(inside.filter_map(as_component).collect())
}

/// The package as a component, if it builds one.
fn as_component(package: &Package) -> Option<Component> {
    let library =
        package.targets.iter().find(|target| target.kind.contains(&TargetKind::CDyLib))?;
    let file = format!("{}.wasm", library.name.replace('-', "_"));
    Some(Component { package: package.name.to_string(), file })
}

/// Folders with apps that are Cargo workspaces of their own.
const APPS: [&str; 2] = ["examples", "tests/fixtures"];

/// The manifests of the examples, and of the apps that only tests use.
pub fn find_apps(root: &Path) -> Result<Vec<PathBuf>> {
    let mut manifests = Vec::new();
    for folder in APPS {
        manifests.extend(manifests_in(&root.join(folder))?);
    }
    Ok(manifests)
}

/// The Cargo manifests one folder down.
fn manifests_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = folder.read_dir().with_context(|| format!("reading {}", folder.display()))?;
    let mut manifests = Vec::new();
    for entry in entries {
        manifests.push(entry?.path().join("Cargo.toml"));
    }
    manifests.retain(|manifest| manifest.is_file());
    manifests.sort();
    Ok(manifests)
}
