//! What a component is compiled of, and names for it.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use wasmtime::Engine;

use crate::manifest;

/// Raise when composition changes its output for the same input.
const FORMAT: u32 = 2;

/// The bytes of a component and of its dependencies.
pub struct Sources<'m> {
    /// The component's.
    pub root: Vec<u8>,
    /// Those of each dependency.
    pub dependencies: Vec<(&'m manifest::Dependency, Vec<u8>)>,
}

impl<'m> Sources<'m> {
    /// Reads them.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(component: &'m manifest::Component) -> Result<Self> {
        let dependencies = component.dependencies.iter().map(|dependency| {
            let bytes = read_source(&dependency.source);
            Ok((dependency, bytes.with_context(|| format!("dependency {:?}", dependency.name))?))
        });
        Ok(Self {
            root: read_source(&component.source)?,
            dependencies: dependencies.collect::<Result<_>>()?,
        })
    }

    /// Names their content, and what it is compiled with.
    pub fn key(&self, engine: [u8; 8]) -> String {
        let mut hash = Sha256::new();
        hash.update(engine);
        hash.update(Sha256::digest(&self.root));
        for (dependency, bytes) in &self.dependencies {
            hash.update(how_composed(dependency));
            hash.update(Sha256::digest(bytes));
        }
        hexadecimal(hash)
    }
}

/// Names the state of a component's files by what `stat` says about them.
///
/// # Errors
/// When a file is missing.
pub fn stamp(engine: &Engine, component: &manifest::Component) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update(engine_version(engine));
    hash.update(stat(&component.source)?);
    for dependency in &component.dependencies {
        hash.update(how_composed(dependency));
        hash.update(stat(&dependency.source)?);
    }
    Ok(hexadecimal(hash))
}

fn stat(path: &Path) -> Result<String> {
    let found = fs::metadata(path).with_context(|| missing(path))?;
    Ok(format!(
        "{}\0{} {} {} {}.{}\0",
        path.display(),
        found.dev(),
        found.ino(),
        found.len(),
        found.mtime(),
        found.mtime_nsec()
    ))
}

fn read_source(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| missing(path))
}

fn missing(path: &Path) -> String {
    format!("cannot read {}: run `cargo xtask build` or `spin build` first", path.display())
}

fn how_composed(dependency: &manifest::Dependency) -> String {
    let export = dependency.export.as_deref().unwrap_or_default();
    format!("{}\0{export}\0{}\0", dependency.name, dependency.inherit.fingerprint())
}

/// Names what decides on the code that an engine makes.
pub fn engine_version(engine: &Engine) -> [u8; 8] {
    let mut hasher = DefaultHasher::new();
    FORMAT.hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish().to_le_bytes()
}

fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
