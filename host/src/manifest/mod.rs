//! The application manifest: `spin.toml`, version 2, as Spin reads it.
//!
//! [`schema`] is the file as written; [`Application`] is what this host makes of it, with every
//! key it cannot honour refused by name and reason. Nothing here touches a component or a store.

mod dependency;
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

pub use dependency::{Capability, Dependency, Inherit};

/// An application, ready to be resolved against variables and stores.
#[derive(Debug)]
pub struct Application {
    /// `[application] name`.
    pub name: String,
    /// `[application] version`, empty when not given.
    pub version: String,
    /// The folder of the manifest; sources are relative to it.
    pub directory: PathBuf,
    /// `[variables]`.
    pub variables: BTreeMap<String, Variable>,
    /// Public routes, in the order of the file: pattern and component id.
    pub routes: Vec<(String, String)>,
    /// The components that answer HTTP requests, by id.
    pub components: BTreeMap<String, Component>,
}

/// An application variable.
#[derive(Debug, Clone, Default)]
pub struct Variable {
    /// The value when none is supplied; `None` means one must be.
    pub default: Option<String>,
    /// Whether the value must stay out of logs.
    pub secret: bool,
}

/// A component that answers HTTP requests, with what it is granted.
#[derive(Debug, Clone)]
pub struct Component {
    /// Its `.wasm` file.
    pub source: PathBuf,
    /// Component variables: templates over application variables.
    pub variables: BTreeMap<String, String>,
    /// Environment variables, verbatim.
    pub environment: BTreeMap<String, String>,
    /// `allowed_outbound_hosts`: templates over application variables.
    pub allowed_outbound_hosts: Vec<String>,
    /// Labels of key-value stores it may open.
    pub key_value_stores: BTreeSet<String>,
    /// Labels of SQLite databases it may open.
    pub sqlite_databases: BTreeSet<String>,
    /// What it is composed of.
    pub dependencies: Vec<Dependency>,
}

impl Application {
    /// Reads and checks the manifest at `path`; a folder means the `spin.toml` in it.
    ///
    /// # Errors
    /// When the file cannot be read or parsed, or asks for something this host does not do;
    /// the message names the key.
    pub fn load(path: &Path) -> Result<Self> {
        let path = if path.is_dir() { path.join("spin.toml") } else { path.to_owned() };
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("cannot read the manifest {}; name one with --from", path.display())
        })?;
        let absolute = std::path::absolute(&path)?;
        let directory = absolute.parent().unwrap_or(Path::new("/"));
        Self::parse(&text, directory).with_context(|| format!("in {}", path.display()))
    }

    /// Checks a manifest's text; `directory` is what its paths are relative to.
    ///
    /// # Errors
    /// As [`Application::load`].
    pub fn parse(text: &str, directory: &Path) -> Result<Self> {
        let manifest: schema::Manifest = toml::from_str(text)?;
        ensure!(
            manifest.spin_manifest_version == 2,
            "spin_manifest_version = {}: only version 2 is supported",
            manifest.spin_manifest_version
        );
        check_application_triggers(&manifest.application)?;
        if let Some(kind) = manifest.trigger.others.keys().next() {
            bail!("[[trigger.{kind}]]: this host serves HTTP only; remove the trigger");
        }
        let (routes, components) =
            read_triggers(manifest.trigger.http, manifest.component, directory)?;
        Ok(Self {
            name: manifest.application.name,
            version: manifest.application.version,
            directory: directory.to_owned(),
            variables: read_variables(manifest.variables)?,
            routes,
            components,
        })
    }
}

fn check_application_triggers(details: &schema::Details) -> Result<()> {
    for (kind, table) in &details.trigger {
        let harmless =
            kind == "http" && table.iter().all(|(k, v)| k == "base" && v.as_str() == Some("/"));
        ensure!(harmless, "[application.trigger.{kind}]: not supported; remove the table");
    }
    Ok(())
}

fn read_variables(
    written: BTreeMap<String, schema::Variable>,
) -> Result<BTreeMap<String, Variable>> {
    let check = |(name, variable): (String, schema::Variable)| {
        check_variable_name(&name).with_context(|| format!("variables.{name}"))?;
        ensure!(
            variable.required != variable.default.is_some(),
            "variables.{name}: give either default = \"…\" or required = true"
        );
        let schema::Variable { default, secret, .. } = variable;
        Ok((name, Variable { default, secret }))
    };
    written.into_iter().map(check).collect()
}

/// Spin's rule, which leaves room for mapping names to environment variables and file names.
fn check_variable_name(name: &str) -> Result<()> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let well_formed = name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('_')
        && !name.contains("__")
        && name.chars().all(legal);
    ensure!(well_formed, "names are lower_snake_case: letters, digits and single underscores");
    Ok(())
}

type Routed = (Vec<(String, String)>, BTreeMap<String, Component>);

fn read_triggers(
    triggers: Vec<schema::HttpTrigger>,
    mut written: BTreeMap<String, schema::Component>,
    directory: &Path,
) -> Result<Routed> {
    ensure!(!triggers.is_empty(), "no [[trigger.http]]: the application would answer nothing");
    let mut routes = Vec::new();
    let mut ids = BTreeSet::new();
    for (index, trigger) in triggers.into_iter().enumerate() {
        check_executor(trigger.executor.as_ref())?;
        let id = match trigger.component {
            schema::ComponentRef::Id(id) => id,
            schema::ComponentRef::Inline(component) => {
                let id = trigger.id.unwrap_or_else(|| format!("http-trigger-{index}"));
                written.insert(id.clone(), *component);
                id
            }
        };
        match trigger.route {
            schema::Route::Path(path) => routes.push((path, id.clone())),
            schema::Route::Private(route) => {
                ensure!(route.private, "route = {{ private = false }}: write a path instead");
            }
        }
        ids.insert(id);
    }
    let sources = component_sources(&written, directory)?;
    let components = ids.into_iter().map(|id| {
        let raw = written.get(&id);
        let raw = raw.with_context(|| {
            format!("a [[trigger.http]] names component {id:?}, but there is no [component.{id}]")
        })?;
        let component = read_component(raw, &id, directory, &sources);
        Ok((id.clone(), component.with_context(|| format!("[component.{id}]"))?))
    });
    Ok((routes, components.collect::<Result<_>>()?))
}

fn check_executor(executor: Option<&toml::Table>) -> Result<()> {
    let kind = executor.and_then(|table| table.get("type")).and_then(toml::Value::as_str);
    ensure!(
        matches!(kind, None | Some("http" | "spin")),
        "trigger.http.executor.type = {kind:?}: only \"http\" is supported"
    );
    Ok(())
}

fn component_sources(
    written: &BTreeMap<String, schema::Component>,
    directory: &Path,
) -> Result<BTreeMap<String, PathBuf>> {
    let path = |(id, component): (&String, &schema::Component)| match component.source.as_str() {
        Some(path) => Ok((id.clone(), directory.join(path))),
        None => bail!(
            "[component.{id}] source: this host takes a path only; download the component and \
             name the file"
        ),
    };
    written.iter().map(path).collect()
}

fn read_component(
    written: &schema::Component,
    id: &str,
    directory: &Path,
    sources: &BTreeMap<String, PathBuf>,
) -> Result<Component> {
    ensure!(written.ai_models.is_empty(), "ai_models: this host has no language models");
    ensure!(
        written.files.is_empty(),
        "files: components have no file system here; build the files into the component"
    );
    ensure!(
        written.allowed_http_hosts.is_empty(),
        "allowed_http_hosts: write allowed_outbound_hosts, with a scheme on each host"
    );
    for name in written.variables.keys() {
        check_variable_name(name).with_context(|| format!("variables.{name}"))?;
    }
    Ok(Component {
        source: sources.get(id).cloned().unwrap_or_default(),
        variables: written.variables.clone(),
        environment: written.environment.clone(),
        allowed_outbound_hosts: written.allowed_outbound_hosts.clone(),
        key_value_stores: written.key_value_stores.iter().cloned().collect(),
        sqlite_databases: written.sqlite_databases.iter().cloned().collect(),
        dependencies: dependency::parse_dependencies(written, directory, sources)?,
    })
}

#[cfg(test)]
mod tests;
