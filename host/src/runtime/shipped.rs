//! Compiled code that comes with an application: for any machine of a family, found by content.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use wasmtime::Engine;

use super::cache::{Compiled, Resources, check_owner, entry, resources, write};
use super::compose::compose;
use super::engine::{Architecture, compiler, portable_compiler};
use super::source::{Digests, Sources, portable_version};
use crate::manifest::{self, Application};

/// Where code is that came with an application, beside its manifest.
pub const SHIPPED: &str = "compiled";

/// Compiled components that came with an application.
#[derive(Debug)]
pub struct Shipped<'m> {
    folder: PathBuf,
    /// What they were compiled for, if they are of use here.
    engine: [u8; 8],
    digests: Digests<'m>,
}

impl<'m> Shipped<'m> {
    /// Opens what came with an application. None: nothing did, or for other machines.
    ///
    /// # Errors
    /// When others can write to the folder, or one of the application's files is missing.
    pub fn open(application: &'m Application) -> Result<Option<Self>> {
        let folder = application.directory.join(SHIPPED);
        let Some(here) = Architecture::here().filter(|_| folder.is_dir()) else { return Ok(None) };
        check_owner(&folder)?;
        let digests = Digests::of(application.components.values())?;
        Ok(Some(Self { folder, engine: portable_version(here), digests }))
    }

    /// The compiled form of `component`, if it is here.
    pub fn find(&self, component: &manifest::Component) -> Option<Compiled> {
        entry(&self.folder, &self.digests.key(self.engine, component)?)
    }
}

/// Names a component's compiled code, without compiling.
///
/// # Errors
/// When a source is missing.
pub fn key(architecture: Architecture, component: &manifest::Component) -> Result<String> {
    Ok(Sources::read(component)?.key(portable_version(architecture)))
}

/// Compiles a component for all machines of a family into `folder`, for [`Cache::with_shipped`].
/// Its files are named by content, and readable by everyone. Answers their names.
///
/// # Errors
/// When a source is missing, does not compose, or does not compile, or the folder cannot be
/// written.
pub fn ship(
    folder: &Path,
    architecture: Architecture,
    component: &manifest::Component,
) -> Result<Vec<PathBuf>> {
    let engine = portable_compiler(architecture)?;
    let sources = Sources::read(component)?;
    let key = sources.key(portable_version(architecture));
    let path = folder.join(format!("{key}.cwasm"));
    if entry(folder, &key).is_none() {
        write(folder, &key, &compile_for(&engine, architecture, sources)?)?;
    }
    let files = vec![path.with_extension("json"), path];
    for file in &files {
        fs::set_permissions(file, fs::Permissions::from_mode(0o644))?;
    }
    Ok(files)
}

/// The same for other machines. What an instance takes is told by what is compiled for this one:
/// code for another family cannot be loaded.
fn compile_for(
    engine: &Engine,
    architecture: Architecture,
    sources: Sources<'_>,
) -> Result<(Vec<u8>, Resources)> {
    let composed = compose(sources.root, &sources.dependencies)?;
    let code = engine.precompile_component(&composed).map_err(anyhow::Error::from)?;
    let here = compiler()?;
    if Architecture::here() == Some(architecture) {
        return Ok((code.clone(), resources(&here, &code)?));
    }
    let local = here.precompile_component(&composed).map_err(anyhow::Error::from)?;
    Ok((code, resources(&here, &local)?))
}

#[cfg(test)]
mod tests {
    use wasmtime::component::Component;

    use super::super::cache::tests::{EMPTY, OTHER, application, component, file};
    use super::*;

    #[test]
    fn what_came_with_an_application_is_used_until_its_source_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (source, shipped) = (folder.path().join("c.wasm"), folder.path().join(SHIPPED));
        fs::write(&source, EMPTY).unwrap();
        let application = application(&source);
        let wasm = &application.components["c"];
        fs::create_dir(&shipped).unwrap();
        let files = ship(&shipped, Architecture::here().unwrap(), wasm).unwrap();
        let find = || Shipped::open(&application).unwrap().unwrap().find(wasm);
        // SAFETY: it was compiled a few lines above.
        unsafe { Component::deserialize_file(&compiler().unwrap(), &files[1]) }.unwrap();
        assert_eq!(file(find().unwrap()), files[1]);
        fs::write(&source, OTHER).unwrap();
        assert!(find().is_none());
    }

    #[test]
    fn code_is_made_for_other_machines() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("c.wasm");
        fs::write(&source, EMPTY).unwrap();
        let code = |architecture| {
            let files = ship(folder.path(), architecture, &component(&source)).unwrap();
            fs::read(&files[1]).unwrap()
        };
        assert_ne!(code(Architecture::Amd64), code(Architecture::Arm64));
        assert_eq!(code(Architecture::Arm64), code(Architecture::Arm64));
    }
}
