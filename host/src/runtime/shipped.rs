//! Compiled code that comes with an application: for any machine of a family, found by content.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use wasmtime::Engine;

use super::cache::{Compiled, check_owner, find_entry, read_resources, write_entry};
use super::compose::compose_component;
use super::engine::{Architecture, InstanceResources, new_compiler, portable_compiler};
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
        let Some(here) = Architecture::of_this_machine().filter(|_| folder.is_dir()) else {
            return Ok(None);
        };
        check_owner(&folder)?;
        let digests = Digests::of_components(application.components.values())?;
        Ok(Some(Self { folder, engine: portable_version(here), digests }))
    }

    /// The compiled form of `component`, if it is here.
    pub fn find_compiled(&self, component: &manifest::Component) -> Option<Compiled> {
        find_entry(&self.folder, &self.digests.content_key(self.engine, component)?)
    }
}

/// Names a component's compiled code, without compiling.
///
/// # Errors
/// When a source is missing.
pub fn code_key(architecture: Architecture, component: &manifest::Component) -> Result<String> {
    Ok(Sources::read_files(component)?.content_key(portable_version(architecture)))
}

/// Compiles a component for all machines of a family into `folder`, where [`Shipped`] finds it.
/// Its files are named by content, and readable by everyone. Answers their names.
///
/// # Errors
/// When a source is missing, does not compose, or does not compile, or the folder cannot be
/// written.
pub fn compile_portable(
    folder: &Path,
    architecture: Architecture,
    component: &manifest::Component,
) -> Result<Vec<PathBuf>> {
    let engine = portable_compiler(architecture)?;
    let sources = Sources::read_files(component)?;
    let key = sources.content_key(portable_version(architecture));
    let path = folder.join(format!("{key}.cwasm"));
    if find_entry(folder, &key).is_none() {
        write_entry(folder, &key, &compile_for(&engine, architecture, sources)?)?;
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
) -> Result<(Vec<u8>, InstanceResources)> {
    let composed = compose_component(sources.root, &sources.dependencies)?;
    let code = engine.precompile_component(&composed).map_err(anyhow::Error::from)?;
    let here = new_compiler()?;
    if Architecture::of_this_machine() == Some(architecture) {
        return Ok((code.clone(), read_resources(&here, &code)?));
    }
    let local = here.precompile_component(&composed).map_err(anyhow::Error::from)?;
    Ok((code, read_resources(&here, &local)?))
}

#[cfg(test)]
mod tests {
    use wasmtime::component::Component;

    use super::super::cache::tests::{EMPTY, OTHER, code_file, one_application, one_component};
    use super::*;

    #[test]
    fn what_came_with_an_application_is_used_until_its_source_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (source, shipped) = (folder.path().join("c.wasm"), folder.path().join(SHIPPED));
        fs::write(&source, EMPTY).unwrap();
        let application = one_application(&source);
        let wasm = &application.components["c"];
        fs::create_dir(&shipped).unwrap();
        let files =
            compile_portable(&shipped, Architecture::of_this_machine().unwrap(), wasm).unwrap();
        let find = || Shipped::open(&application).unwrap().unwrap().find_compiled(wasm);
        // SAFETY: it was compiled a few lines above.
        unsafe { Component::deserialize_file(&new_compiler().unwrap(), &files[1]) }.unwrap();
        assert_eq!(code_file(find().unwrap()), files[1]);
        fs::write(&source, OTHER).unwrap();
        assert!(find().is_none());
    }

    #[test]
    fn code_is_made_for_other_machines() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("c.wasm");
        fs::write(&source, EMPTY).unwrap();
        let code = |architecture| {
            let files =
                compile_portable(folder.path(), architecture, &one_component(&source)).unwrap();
            fs::read(&files[1]).unwrap()
        };
        assert_ne!(code(Architecture::Amd64), code(Architecture::Arm64));
        assert_eq!(code(Architecture::Arm64), code(Architecture::Arm64));
    }
}
