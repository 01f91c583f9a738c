//! What a component is compiled of, and names for it.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufReader};
use std::iter;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result, anyhow};
use sha2::{Digest, Sha256};
use wasmtime::Engine;

use super::engine::Architecture;
use crate::manifest;

/// Raise when composition changes its output for the same input.
const FORMAT: u32 = 2;
/// Bytes of a file that are read at a time.
const PORTION: usize = 64 << 10;

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
    pub fn read_files(component: &'m manifest::Component) -> Result<Self> {
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
    pub fn content_key(&self, engine: [u8; 8]) -> String {
        let dependencies = self.dependencies.iter();
        let dependencies = dependencies.map(|(one, bytes)| (*one, Sha256::digest(bytes).into()));
        hash_content(engine, Sha256::digest(&self.root).into(), dependencies)
    }
}

type Digest256 = [u8; 32];

fn hash_content<'m>(
    engine: [u8; 8],
    root: Digest256,
    dependencies: impl Iterator<Item = (&'m manifest::Dependency, Digest256)>,
) -> String {
    let mut hash = Sha256::new();
    hash.update(engine);
    hash.update(root);
    for (dependency, digest) in dependencies {
        hash.update(how_composed(dependency));
        hash.update(digest);
    }
    to_hex(hash)
}

/// The content of an application's files, by their digests.
#[derive(Debug, Default)]
pub struct Digests<'m>(HashMap<&'m Path, Digest256>);

impl<'m> Digests<'m> {
    /// Reads each file of some components once, several at a time.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn of_components(
        components: impl Iterator<Item = &'m manifest::Component>,
    ) -> Result<Self> {
        let files = components.flat_map(|component| {
            let dependencies = component.dependencies.iter().map(|one| one.source.as_path());
            dependencies.chain([component.source.as_path()])
        });
        let files: HashSet<&Path> = files.collect();
        thread::scope(|scope| {
            let digests =
                files.into_iter().map(|file| (file, scope.spawn(move || digest_file(file))));
            let digests: Vec<_> = digests.collect();
            let digests = digests.into_iter().map(|(file, digest)| {
                let digest = digest.join().map_err(|_| anyhow!("a thread panicked"))?;
                Ok((file, digest?))
            });
            Ok(Self(digests.collect::<Result<_>>()?))
        })
    }

    /// Names the content of a component's files, and what it is compiled with; None: they are not
    /// among those that were read.
    pub fn content_key(&self, engine: [u8; 8], component: &manifest::Component) -> Option<String> {
        let of = |file: &Path| self.0.get(file).copied();
        let dependencies = component.dependencies.iter();
        let dependencies = dependencies.map(|one| Some((one, of(&one.source)?)));
        let dependencies: Vec<_> = dependencies.collect::<Option<_>>()?;
        Some(hash_content(engine, of(&component.source)?, dependencies.into_iter()))
    }
}

fn digest_file(path: &Path) -> Result<Digest256> {
    let mut file = fs::File::open(path).with_context(|| missing_advice(path))?;
    let mut hash = Sha256::new();
    io::copy(&mut BufReader::with_capacity(PORTION, &mut file), &mut hash)?;
    Ok(hash.finalize().into())
}

/// Names the state of a component's files by what `stat` says about them.
///
/// # Errors
/// When a file is missing.
pub fn stat_stamp(engine: &Engine, component: &manifest::Component) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update(engine_version(engine));
    hash.update(stat_text(&component.source)?);
    for dependency in &component.dependencies {
        hash.update(how_composed(dependency));
        hash.update(stat_text(&dependency.source)?);
    }
    Ok(to_hex(hash))
}

fn stat_text(path: &Path) -> Result<String> {
    let found = fs::metadata(path).with_context(|| missing_advice(path))?;
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
    fs::read(path).with_context(|| missing_advice(path))
}

fn missing_advice(path: &Path) -> String {
    format!("cannot read {}: run `cargo xtask build` or `spin build` first", path.display())
}

fn how_composed(dependency: &manifest::Dependency) -> String {
    let export = dependency.export.as_deref().unwrap_or_default();
    format!("{}\0{export}\0{}\0", dependency.name, dependency.inherit.fingerprint())
}

/// Names what decides on the code for a family of processors, but for Wasmtime's version, which it
/// looks at by itself when it loads code.
pub fn portable_version(architecture: Architecture) -> [u8; 8] {
    // Images carry it: not by the standard library's hash, which may change with the compiler.
    let mut hash = Sha256::new();
    hash.update(FORMAT.to_le_bytes());
    for word in iter::once(&architecture.target_triple()).chain(architecture.cpu_features()) {
        hash.update(word);
        hash.update([0]);
    }
    let [a, b, c, d, e, f, g, h, ..]: Digest256 = hash.finalize().into();
    [a, b, c, d, e, f, g, h]
}

/// Names what decides on the code that an engine makes, on this machine by this build.
pub fn engine_version(engine: &Engine) -> [u8; 8] {
    let mut hasher = DefaultHasher::new();
    FORMAT.hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish().to_le_bytes()
}

fn to_hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
