//! Compiled components on disk, so that a warm start neither composes nor compiles.
//!
//! An entry is named by the content of everything that went into it: engine, component,
//! dependencies and what they inherit. A small index maps what `stat` says about those files to
//! the entry, so that a warm start does not even read them.
//!
//! Entries are native code and are executed as they are: the folder must be writable by this
//! user alone, which is checked.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use hedge_sqlite::private::create_folder;
use tempfile::NamedTempFile;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::compose::compose_component;
use super::engine::InstanceResources;
use super::source::{Sources, engine_version, stat_stamp};
use crate::manifest;

/// A folder of compiled components.
#[derive(Debug, Default)]
pub struct Cache {
    /// None: there is none that can be written, and what is compiled is in memory alone.
    folder: Option<PathBuf>,
}

/// A compiled component: its code and what an instance of it takes.
#[derive(Debug)]
pub struct Compiled {
    /// Its native code.
    pub code: Code,
    /// What an instance takes from the pool.
    pub resources: InstanceResources,
}

/// Native code.
#[derive(Debug)]
pub enum Code {
    /// A file to map.
    File(PathBuf),
    /// What could be written nowhere.
    Memory(Vec<u8>),
}

impl Cache {
    /// A cache in `folder`, which is made for this user alone.
    ///
    /// # Errors
    /// When the folder cannot be made or written, or others can write to it.
    pub fn in_folder(folder: &Path) -> Result<Self> {
        let context = || format!("the cache folder {}", folder.display());
        // The state folder may be above it, and is shared where its volume is.
        if let Some(parent) = std::path::absolute(folder)?.parent() {
            create_folder(parent).with_context(context)?;
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(context)?;
        check_owner(folder).context("name another one with --cache-dir")?;
        NamedTempFile::new_in(folder).with_context(context)?;
        Ok(Self { folder: Some(folder.to_owned()) })
    }

    /// A cache in the first of these folders that can be written. Without one, what is compiled
    /// is in memory alone.
    pub fn in_one_of(folders: &[PathBuf]) -> Self {
        let mut refusals = Vec::new();
        for folder in folders {
            match Self::in_folder(folder) {
                Ok(cache) => return cache,
                Err(refusal) => refusals.push(format!("{refusal:#}")),
            }
        }
        tracing::info!("compiled components are not kept: {}", refusals.join("; "));
        Self::default()
    }

    /// Whether it keeps what is compiled.
    pub fn is_kept(&self) -> bool {
        self.folder.is_some()
    }

    /// The compiled form of `component` if it is known at once: its files are those that an entry
    /// was made of, as far as `stat` tells.
    ///
    /// # Errors
    /// When a source is missing.
    pub fn find_compiled(
        &self,
        engine: &Engine,
        component: &manifest::Component,
    ) -> Result<Option<Compiled>> {
        let Some(folder) = &self.folder else { return Ok(None) };
        Ok(read_indexed(folder, &index_path(folder, engine, component)?))
    }

    /// The compiled form of `component`, composed and compiled now if there is none.
    ///
    /// # Errors
    /// When a source is missing, does not compose, or does not compile.
    pub fn get_or_compile(
        &self,
        engine: &Engine,
        component: &manifest::Component,
    ) -> Result<Compiled> {
        let Some(folder) = &self.folder else {
            let (code, resources) = compile_here(engine, Sources::read_files(component)?)?;
            return Ok(Compiled { code: Code::Memory(code), resources });
        };
        let index = index_path(folder, engine, component)?;
        if let Some(compiled) = read_indexed(folder, &index) {
            return Ok(compiled);
        }
        let sources = Sources::read_files(component)?;
        let key = sources.content_key(engine_version(engine));
        let entry = match find_entry(folder, &key) {
            Some(entry) => entry,
            None => write_entry(folder, &key, &compile_here(engine, sources)?)?,
        };
        write_atomically(&index, key.as_bytes())?;
        Ok(entry)
    }

    /// Forgets an entry that turned out to be unusable.
    pub fn forget_entry(&self, compiled: &Compiled) {
        let Code::File(path) = &compiled.code else { return };
        if self.folder.as_ref().is_some_and(|folder| path.starts_with(folder)) {
            let _ = fs::remove_file(path);
            let _ = fs::remove_file(path.with_extension("json"));
        }
    }
}

/// Others could put code there, were it writable for them.
pub(super) fn check_owner(folder: &Path) -> Result<()> {
    let context = || format!("the folder {}", folder.display());
    let mode = fs::metadata(folder).with_context(context)?.permissions().mode();
    ensure!(
        mode & 0o022 == 0,
        "the folder {} is writable by others, who could put code there: chmod go-w it",
        folder.display()
    );
    Ok(())
}

fn index_path(folder: &Path, engine: &Engine, component: &manifest::Component) -> Result<PathBuf> {
    Ok(folder.join(format!("{}.index", stat_stamp(engine, component)?)))
}

fn read_indexed(folder: &Path, index: &Path) -> Option<Compiled> {
    find_entry(folder, &fs::read_to_string(index).ok()?)
}

pub(super) fn find_entry(folder: &Path, key: &str) -> Option<Compiled> {
    let path = folder.join(format!("{key}.cwasm"));
    let resources = fs::read(path.with_extension("json")).ok()?;
    let resources = serde_json::from_slice(&resources).ok()?;
    path.exists().then_some(Compiled { code: Code::File(path), resources })
}

pub(super) fn write_entry(
    folder: &Path,
    key: &str,
    (code, resources): &(Vec<u8>, InstanceResources),
) -> Result<Compiled> {
    let path = folder.join(format!("{key}.cwasm"));
    write_atomically(&path.with_extension("json"), &serde_json::to_vec(resources)?)?;
    write_atomically(&path, code)?;
    Ok(Compiled { code: Code::File(path), resources: *resources })
}

/// Composes and compiles, for this machine.
fn compile_here(engine: &Engine, sources: Sources<'_>) -> Result<(Vec<u8>, InstanceResources)> {
    let composed = compose_component(sources.root, &sources.dependencies)?;
    let code = engine.precompile_component(&composed).map_err(anyhow::Error::from)?;
    let resources = read_resources(engine, &code)?;
    Ok((code, resources))
}

pub(super) fn read_resources(engine: &Engine, code: &[u8]) -> Result<InstanceResources> {
    // SAFETY: the bytes come from this process's compiler.
    let component = unsafe { Component::deserialize(engine, code) }?;
    let required = component.resources_required().context("the component imports modules")?;
    Ok(InstanceResources {
        memories: required.num_memories,
        tables: required.num_tables,
        table_elements_max: required.max_initial_table_size.unwrap_or(0),
    })
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
pub(super) mod tests {
    use super::*;

    /// The smallest component is its eight-byte header. The text format needs the compiler's `wat`
    /// feature, which the host leaves out.
    pub const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";
    /// Another one, with a section of a name of its own.
    pub const OTHER: &[u8] = b"\0asm\x0d\0\x01\0\x00\x02\x01x";

    pub fn code_file(compiled: Compiled) -> PathBuf {
        match compiled.code {
            Code::File(path) => path,
            Code::Memory(_) => panic!("it is in memory alone"),
        }
    }

    pub fn one_component(source: &Path) -> manifest::Component {
        one_application(source).components.remove("c").unwrap()
    }

    /// An application of one component, in the folder of its source.
    pub fn one_application(source: &Path) -> manifest::Application {
        let text = format!(
            "spin_manifest_version = 2\n[application]\nname = 'x'\n\
             [[trigger.http]]\nroute = '/'\ncomponent = 'c'\n[component.c]\nsource = {:?}",
            source.display().to_string()
        );
        manifest::Application::parse(&text, source.parent().unwrap()).unwrap()
    }

    #[test]
    fn an_entry_is_found_again_until_its_source_changes() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("c.wasm");
        let cache = Cache::in_folder(&folder.path().join("cache")).unwrap();
        let engine = Engine::default();
        let wasm = one_component(&source);
        fs::write(&source, EMPTY).unwrap();
        let get = || code_file(cache.get_or_compile(&engine, &wasm).unwrap());
        let first = get();
        assert_eq!(get(), first);
        fs::remove_file(&first).unwrap();
        assert_eq!(get(), first);
        fs::write(&source, OTHER).unwrap();
        assert_ne!(get(), first);
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let (file, good) = (folder.path().join("file"), folder.path().join("good"));
        fs::write(&file, "").unwrap();
        assert_eq!(Cache::in_one_of(&[file.clone(), good.clone()]).folder, Some(good));
        assert_eq!(Cache::in_one_of(&[file]).folder, None);
    }

    #[test]
    fn a_missing_source_says_what_to_run() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::in_folder(&folder.path().join("cache")).unwrap();
        let wasm = one_component(&folder.path().join("none.wasm"));
        let error = cache.get_or_compile(&Engine::default(), &wasm).unwrap_err();
        assert!(error.to_string().contains("cargo xtask build"), "{error}");
    }

    #[test]
    fn a_folder_others_can_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Cache::in_folder(folder.path()).is_err());
    }
}
