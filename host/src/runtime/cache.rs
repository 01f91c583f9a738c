//! Compiled components on disk, so that a warm start neither composes nor compiles.
//!
//! An entry is named by the content of everything that went into it: engine, component,
//! dependencies and what they inherit. A small index maps what `stat` says about those files to
//! the entry, so that a warm start does not even read them.
//!
//! Entries are native code and are executed as they are: the folder must be writable by this
//! user alone, which is checked.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::compose::compose;
use crate::manifest;

/// Raise when composition changes its output for the same input.
const FORMAT: u32 = 2;

/// A folder of compiled components.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

/// A compiled component: where it is and what an instance of it takes.
#[derive(Debug)]
pub struct Compiled {
    /// The file to map.
    pub path: PathBuf,
    /// What an instance takes from the pool.
    pub resources: Resources,
}

/// What one instance takes from the pool.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Resources {
    /// Linear memories.
    pub memories: u32,
    /// Tables.
    pub tables: u32,
    /// Elements of its largest table at the start.
    pub table_elements_max: u64,
}

impl Cache {
    /// Opens the cache in `folder`, creating it for this user alone.
    ///
    /// # Errors
    /// When the folder cannot be created, or others can write to it.
    pub fn open(folder: &Path) -> Result<Self> {
        let context = || format!("the cache folder {}", folder.display());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(context)?;
        let mode = fs::metadata(folder).with_context(context)?.permissions().mode();
        ensure!(
            mode & 0o022 == 0,
            "the cache folder {} is writable by others, who could put code there: \
             chmod go-w it, or name another one with --cache-dir",
            folder.display()
        );
        Ok(Self { folder: folder.to_owned() })
    }

    /// The compiled form of `component` if it is known at once: its files are those that an entry
    /// was made of, as far as `stat` tells.
    ///
    /// # Errors
    /// When a source is missing.
    pub fn find(
        &self,
        engine: &Engine,
        component: &manifest::Component,
    ) -> Result<Option<Compiled>> {
        Ok(self.indexed(&self.index(engine, component)?))
    }

    /// The compiled form of `component`, composed and compiled now if the cache has none.
    ///
    /// # Errors
    /// When a source is missing, does not compose, or does not compile.
    pub fn get(&self, engine: &Engine, component: &manifest::Component) -> Result<Compiled> {
        let index = self.index(engine, component)?;
        if let Some(compiled) = self.indexed(&index) {
            return Ok(compiled);
        }
        let sources = Sources::read(component)?;
        let key = sources.key(engine);
        let entry = match self.entry(&key) {
            Some(entry) => entry,
            None => self.compile(engine, sources, &key)?,
        };
        write_atomically(&index, key.as_bytes())?;
        Ok(entry)
    }

    /// Forgets an entry that turned out to be unusable.
    pub fn forget(&self, compiled: &Compiled) {
        let _ = fs::remove_file(&compiled.path);
        let _ = fs::remove_file(compiled.path.with_extension("json"));
    }

    fn index(&self, engine: &Engine, component: &manifest::Component) -> Result<PathBuf> {
        Ok(self.folder.join(format!("{}.index", stamp(engine, component)?)))
    }

    fn indexed(&self, index: &Path) -> Option<Compiled> {
        let key = fs::read_to_string(index).ok()?;
        self.entry(&key)
    }

    fn entry(&self, key: &str) -> Option<Compiled> {
        let path = self.folder.join(format!("{key}.cwasm"));
        let resources = fs::read(path.with_extension("json")).ok()?;
        let resources = serde_json::from_slice(&resources).ok()?;
        path.exists().then_some(Compiled { path, resources })
    }

    fn compile(&self, engine: &Engine, sources: Sources<'_>, key: &str) -> Result<Compiled> {
        let started = std::time::Instant::now();
        let composed = compose(sources.root, &sources.dependencies)?;
        let code = engine.precompile_component(&composed).map_err(anyhow::Error::from)?;
        // SAFETY: the bytes come from this engine's compiler, a line above.
        let component = unsafe { Component::deserialize(engine, &code) }?;
        let required = component.resources_required().context("the component imports modules")?;
        let resources = Resources {
            memories: required.num_memories,
            tables: required.num_tables,
            table_elements_max: required.max_initial_table_size.unwrap_or(0),
        };
        let path = self.folder.join(format!("{key}.cwasm"));
        write_atomically(&path.with_extension("json"), &serde_json::to_vec(&resources)?)?;
        write_atomically(&path, &code)?;
        tracing::debug!(bytes = composed.len(), elapsed = ?started.elapsed(), "compiled {key}");
        Ok(Compiled { path, resources })
    }
}

/// The bytes of a component and of its dependencies.
struct Sources<'m> {
    root: Vec<u8>,
    dependencies: Vec<(&'m manifest::Dependency, Vec<u8>)>,
}

impl<'m> Sources<'m> {
    fn read(component: &'m manifest::Component) -> Result<Self> {
        let dependencies = component.dependencies.iter().map(|dependency| {
            let bytes = read_source(&dependency.source);
            Ok((dependency, bytes.with_context(|| format!("dependency {:?}", dependency.name))?))
        });
        Ok(Self {
            root: read_source(&component.source)?,
            dependencies: dependencies.collect::<Result<_>>()?,
        })
    }

    fn key(&self, engine: &Engine) -> String {
        let mut hash = Sha256::new();
        hash.update(engine_version(engine));
        hash.update(Sha256::digest(&self.root));
        for (dependency, bytes) in &self.dependencies {
            hash.update(how_composed(dependency));
            hash.update(Sha256::digest(bytes));
        }
        hexadecimal(hash)
    }
}

/// Names the state of a component's files by what `stat` says about them.
fn stamp(engine: &Engine, component: &manifest::Component) -> Result<String> {
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

fn engine_version(engine: &Engine) -> [u8; 8] {
    let mut hasher = DefaultHasher::new();
    FORMAT.hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish().to_le_bytes()
}

fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes under a name of its own, then renames: readers see the old file or the whole new one,
/// also after a power cut, and whoever writes the same at the same time is no trouble.
fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(source: &Path) -> manifest::Component {
        let text = format!(
            "spin_manifest_version = 2\n[application]\nname = 'x'\n\
             [[trigger.http]]\nroute = '/'\ncomponent = 'c'\n[component.c]\nsource = {:?}",
            source.display().to_string()
        );
        let mut application = manifest::Application::parse(&text, Path::new("/")).unwrap();
        application.components.remove("c").unwrap()
    }

    #[test]
    fn an_entry_is_found_again_until_its_source_changes() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("c.wasm");
        fs::write(&source, "(component)").unwrap();
        let cache = Cache::open(&folder.path().join("cache")).unwrap();
        let engine = Engine::default();
        let wasm = component(&source);
        // The text format needs the compiler's `wat` feature, which the host leaves out: the
        // smallest binary component is its eight-byte header.
        fs::write(&source, b"\0asm\x0d\0\x01\0").unwrap();
        let first = cache.get(&engine, &wasm).unwrap();
        assert_eq!(cache.get(&engine, &wasm).unwrap().path, first.path);
        fs::remove_file(&first.path).unwrap();
        assert_eq!(cache.get(&engine, &wasm).unwrap().path, first.path);
        fs::write(&source, b"\0asm\x0d\0\x01\0\x00\x02\x01x").unwrap();
        assert_ne!(cache.get(&engine, &wasm).unwrap().path, first.path);
    }

    #[test]
    fn a_missing_source_says_what_to_run() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("cache")).unwrap();
        let wasm = component(&folder.path().join("none.wasm"));
        let error = cache.get(&Engine::default(), &wasm).unwrap_err();
        assert!(error.to_string().contains("cargo xtask build"), "{error}");
    }

    #[test]
    fn a_folder_others_can_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Cache::open(folder.path()).is_err());
    }
}
