//! Where an application's files are in an image, and the manifest that says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::manifest::Application;

/// An application's files, as an image has them.
#[derive(Debug)]
pub struct Packed {
    /// The manifest, whose paths are those of the image.
    pub manifest: String,
    /// Each component's file: where it is in the image, and here.
    pub components: BTreeMap<String, PathBuf>,
}

impl Packed {
    /// Finds the files of an application and gives them their paths.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub fn from_manifest(manifest: &Path, application: &Application) -> Result<Self> {
        let file = if manifest.is_dir() { manifest.join("spin.toml") } else { manifest.to_owned() };
        let text = std::fs::read_to_string(&file);
        let mut table: Table = text.with_context(|| format!("{}", file.display()))?.parse()?;
        let mut paths = ImagePaths { folder: &application.directory, taken: BTreeMap::new() };
        for component in component_tables(&mut table) {
            paths.rewrite_paths(component);
        }
        let manifest = toml::to_string(&table)?;
        Ok(Self { manifest, components: paths.taken })
    }
}

/// The tables of components: those with a name, and those written where a trigger names one.
fn component_tables(manifest: &mut Table) -> Vec<&mut Table> {
    let mut found = Vec::new();
    for (key, value) in manifest.iter_mut() {
        match (key.as_str(), value) {
            ("component", Value::Table(named)) => {
                found.extend(named.iter_mut().filter_map(|(_, value)| value.as_table_mut()));
            }
            ("trigger", Value::Table(kinds)) => {
                let triggers = kinds.iter_mut().filter_map(|(_, value)| value.as_array_mut());
                let inline = triggers.flatten().filter_map(|one| one.get_mut("component"));
                found.extend(inline.filter_map(Value::as_table_mut));
            }
            _ => {}
        }
    }
    found
}

/// The places that have been given away.
struct ImagePaths<'a> {
    folder: &'a Path,
    taken: BTreeMap<String, PathBuf>,
}

impl ImagePaths<'_> {
    fn rewrite_paths(&mut self, component: &mut Table) {
        // How a component is built matters where it is built.
        component.remove("build");
        self.assign_path(component, "source");
        let dependencies = component.get_mut("dependencies").and_then(Value::as_table_mut);
        for (_, dependency) in dependencies.into_iter().flat_map(|table| table.iter_mut()) {
            if let Value::Table(dependency) = dependency {
                self.assign_path(dependency, "path");
            }
        }
    }

    /// Gives the file that a key names its place in the image.
    fn assign_path(&mut self, table: &mut Table, key: &str) {
        let Some(Value::String(path)) = table.get_mut(key) else { return };
        let source = self.folder.join(path.as_str());
        let stem = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut number = 1;
        loop {
            let name = if number == 1 { stem.clone() } else { format!("{stem}-{number}") };
            let place = format!("components/{name}.wasm");
            let holder = self.taken.entry(place.clone()).or_insert_with(|| source.clone());
            if *holder == source {
                *path = place;
                return;
            }
            number += 1;
        }
    }
}
