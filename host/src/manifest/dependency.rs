//! What a component is composed of: `[component.X.dependencies]`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::schema;

/// A class of grants a dependency can share with its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// Language models. No component of this host has any.
    AiModels,
    /// Outbound HTTP and Redis.
    AllowedOutboundHosts,
    /// Environment variables.
    Environment,
    /// Files. No component of this host has any.
    Files,
    /// Key-value stores.
    KeyValueStores,
    /// SQLite databases.
    SqliteDatabases,
    /// Component variables.
    Variables,
}

impl Capability {
    /// Every class, with the name the manifest uses.
    const NAMES: [(&'static str, Self); 7] = [
        ("ai_models", Self::AiModels),
        ("allowed_outbound_hosts", Self::AllowedOutboundHosts),
        ("environment", Self::Environment),
        ("files", Self::Files),
        ("key_value_stores", Self::KeyValueStores),
        ("sqlite_databases", Self::SqliteDatabases),
        ("variables", Self::Variables),
    ];

    /// The class the manifest calls `name`.
    ///
    /// # Errors
    /// For an unknown name, listing the known ones. Spin ignores such a name silently, which
    /// turns a typo into a component without its database.
    pub fn parse(name: &str) -> Result<Self> {
        match Self::NAMES.iter().find(|(known, _)| *known == name) {
            Some((_, class)) => Ok(*class),
            None => {
                let known: Vec<_> = Self::NAMES.iter().map(|(known, _)| *known).collect();
                bail!("unknown class {name:?}; the classes are {}", known.join(", "))
            }
        }
    }

    /// The class whose grants decide about calls to an imported interface, if any.
    ///
    /// `import` is the full name, such as `spin:sqlite/sqlite@3.1.0`.
    pub fn of_import(import: &str) -> Option<Self> {
        let name = import.split_once('@').map_or(import, |(name, _)| name);
        match name {
            "spin:sqlite/sqlite" => Some(Self::SqliteDatabases),
            "spin:key-value/key-value" => Some(Self::KeyValueStores),
            "spin:variables/variables" => Some(Self::Variables),
            "spin:redis/redis" | "wasi:http/client" | "wasi:http/outgoing-handler" => {
                Some(Self::AllowedOutboundHosts)
            }
            "wasi:cli/environment" => Some(Self::Environment),
            _ => None,
        }
    }
}

/// The classes a dependency shares with its parent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inherit(BTreeSet<Capability>);

impl Inherit {
    /// Whether this class is shared.
    pub fn allows_class(&self, class: Capability) -> bool {
        self.0.contains(&class)
    }

    /// The classes, as the manifest calls them.
    pub fn class_names(&self) -> Vec<&'static str> {
        let classes = Capability::NAMES.iter().filter(|(_, class)| self.allows_class(*class));
        classes.map(|(name, _)| *name).collect()
    }

    /// A stable text of the set, for cache keys.
    pub fn fingerprint(&self) -> String {
        format!("{:?}", self.0)
    }

    fn all_classes() -> Self {
        Self(Capability::NAMES.iter().map(|(_, class)| *class).collect())
    }

    fn parse(written: Option<schema::Inherit>) -> Result<Self> {
        match written {
            None | Some(schema::Inherit::All(false)) => Ok(Self::default()),
            Some(schema::Inherit::All(true)) => Ok(Self::all_classes()),
            Some(schema::Inherit::Classes(names)) => {
                let classes = names.iter().map(|name| Capability::parse(name));
                Ok(Self(classes.collect::<Result<_>>()?))
            }
        }
    }
}

/// One dependency of a component.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// What it satisfies: `ns:pkg`, `ns:pkg@1.2.3`, `ns:pkg/interface`, `ns:pkg/interface@1.2.3`
    /// or a plain import name.
    pub name: String,
    /// The `.wasm` file that satisfies it.
    pub source: PathBuf,
    /// The export to use instead of the one named like the import.
    pub export: Option<String>,
    /// Which of the parent's grants it shares.
    pub inherit: Inherit,
}

impl Dependency {
    /// Whether this dependency satisfies the import called `import`.
    pub fn matches_import(&self, import: &str) -> bool {
        let (name, version) = split_version(&self.name);
        let (import_name, import_version) = split_version(import);
        if version.is_some() && version != import_version {
            return false;
        }
        match import_name.split_once('/') {
            Some((package, _)) => name == import_name || name == package,
            None => name == import_name,
        }
    }
}

fn split_version(name: &str) -> (&str, Option<&str>) {
    match name.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (name, None),
    }
}

/// Reads a component's `dependencies`.
///
/// # Errors
/// For forms that need a network (versions, registries, URLs), for unknown classes, and for
/// both ways of saying what is inherited at once, each naming the entry.
pub fn parse_dependencies(
    component: &schema::Component,
    base: &Path,
    sources: &BTreeMap<String, PathBuf>,
) -> Result<Vec<Dependency>> {
    let inherit_all = component.dependencies_inherit_configuration;
    let entries = component.dependencies.iter().map(|(name, written)| {
        parse_dependency(name, written, inherit_all, base, sources)
            .with_context(|| format!("dependencies.{name:?}"))
    });
    entries.collect()
}

fn parse_dependency(
    name: &str,
    written: &toml::Value,
    inherit_all: Option<bool>,
    base: &Path,
    sources: &BTreeMap<String, PathBuf>,
) -> Result<Dependency> {
    let written: schema::Dependency = written.clone().try_into().context(
        "this host takes { path = \"…\" } and { component = \"…\" }; fetch a package from a \
         registry or URL yourself and name the file",
    )?;
    let source = match (&written.path, &written.component) {
        (Some(path), None) => base.join(path),
        (None, Some(id)) => sources
            .get(id)
            .cloned()
            .with_context(|| format!("component = {id:?}: no [component.{id}] in this manifest"))?,
        _ => bail!("give either path or component"),
    };
    let inherit = match (inherit_all, written.inherit_configuration) {
        (Some(_), Some(_)) => bail!(
            "inherit_configuration and the component's dependencies_inherit_configuration \
             exclude each other; keep the former"
        ),
        (Some(all), None) => Inherit::parse(Some(schema::Inherit::All(all))),
        (None, written) => Inherit::parse(written),
    };
    let names_interface = name.contains('/') || !name.contains(':');
    ensure!(
        written.export.is_none() || names_interface,
        "export needs a dependency that names an interface, not a whole package"
    );
    let inherit = inherit.context("inherit_configuration")?;
    Ok(Dependency { name: name.to_owned(), source, export: written.export, inherit })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(name: &str) -> Dependency {
        Dependency {
            name: name.into(),
            source: PathBuf::new(),
            export: None,
            inherit: Inherit::default(),
        }
    }

    #[test]
    fn a_package_satisfies_all_its_interfaces_and_no_other() {
        for name in ["a:b", "a:b@0.1.0", "a:b/c", "a:b/c@0.1.0"] {
            assert!(dependency(name).matches_import("a:b/c@0.1.0"), "{name}");
        }
        for name in ["a:b@0.2.0", "a:b/d", "a:bb", "b", "c"] {
            assert!(!dependency(name).matches_import("a:b/c@0.1.0"), "{name}");
        }
        assert!(dependency("plain").matches_import("plain"));
    }

    #[test]
    fn an_unknown_class_is_an_error_that_lists_the_known_ones() {
        let error = Capability::parse("sqlite_database").unwrap_err().to_string();
        assert!(error.contains("sqlite_databases, variables"), "{error}");
    }

    #[test]
    fn nothing_is_inherited_unless_said() {
        assert_eq!(Inherit::parse(None).unwrap(), Inherit::default());
        let one = schema::Inherit::Classes(vec!["variables".into()]);
        let one = Inherit::parse(Some(one)).unwrap();
        assert!(
            one.allows_class(Capability::Variables)
                && !one.allows_class(Capability::SqliteDatabases)
        );
        let all = Inherit::parse(Some(schema::Inherit::All(true))).unwrap();
        assert!(all.allows_class(Capability::SqliteDatabases));
    }

    #[test]
    fn imports_map_to_the_class_that_grants_them() {
        let class = Capability::of_import("wasi:http/client@0.3.0");
        assert_eq!(class, Some(Capability::AllowedOutboundHosts));
        assert_eq!(Capability::of_import("wasi:http/types@0.3.0"), None);
    }
}
