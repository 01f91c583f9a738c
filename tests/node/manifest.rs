//! `spin.toml` uses nothing that Spin 4.1 does not know.
//!
//! Spin ignores some names it does not know without a word, so the list here is strict.

use std::fs;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{MANIFESTS, repository};
use toml::{Table, Value};

/// Where a table is in a manifest (`*`: any name), and the keys it may have.
const KNOWN: [(&str, &[&str]); 10] = [
    ("", &["spin_manifest_version", "application", "variables", "trigger", "component"]),
    ("application", &["name", "version", "description", "authors", "trigger", "tool"]),
    ("variables", &["*"]),
    ("variables.*", &["default", "required", "secret"]),
    ("trigger", &["http", "redis"]),
    ("trigger.http", &["id", "route", "component", "executor"]),
    ("component", &["*"]),
    (
        "component.*",
        &[
            "source",
            "description",
            "variables",
            "environment",
            "files",
            "exclude_files",
            "allowed_outbound_hosts",
            "key_value_stores",
            "sqlite_databases",
            "ai_models",
            "build",
            "tool",
            "dependencies",
            "dependencies_inherit_configuration",
            "profile",
        ],
    ),
    ("component.*.build", &["command", "workdir", "watch"]),
    ("component.*.dependencies.*", &["path", "component", "version", "inherit_configuration"]),
];
/// What a dependency can inherit. Spin takes any name and leaves out those it does not know.
const INHERITABLE: [&str; 7] = [
    "ai_models",
    "allowed_outbound_hosts",
    "environment",
    "files",
    "key_value_stores",
    "sqlite_databases",
    "variables",
];

#[test]
fn manifests_have_only_keys_that_spin_knows() -> Result<()> {
    for manifest in MANIFESTS {
        let table: Table = fs::read_to_string(repository(manifest))?.parse()?;
        check(&table).with_context(|| manifest.to_owned())?;
    }
    Ok(())
}

fn check(manifest: &Table) -> Result<()> {
    check_keys("", manifest)?;
    ensure!(manifest.get("spin_manifest_version") == Some(&Value::Integer(2)), "not version 2");
    for (name, component) in table(manifest, "component")? {
        let component = component.as_table().context("a component is a table")?;
        check_dependencies(component).with_context(|| format!("component {name}"))?;
    }
    Ok(())
}

/// Checks the keys of a table, and of those in it.
fn check_keys(place: &str, table: &Table) -> Result<()> {
    let Some((_, known)) = KNOWN.iter().find(|(known, _)| *known == place) else { return Ok(()) };
    for (key, value) in table {
        let any = known.contains(&"*");
        ensure!(any || known.contains(&key.as_str()), "Spin does not know {key:?} in [{place}]");
        let inner = if any { "*" } else { key };
        let inner = if place.is_empty() { inner.to_owned() } else { format!("{place}.{inner}") };
        match value {
            Value::Table(table) if inner == "component.*.dependencies" => {
                for dependency in table.values().filter_map(Value::as_table) {
                    check_keys("component.*.dependencies.*", dependency)?;
                }
            }
            Value::Table(table) => check_keys(&inner, table)?,
            Value::Array(values) => {
                values
                    .iter()
                    .filter_map(Value::as_table)
                    .try_for_each(|t| check_keys(&inner, t))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// What Spin refuses, or worse, ignores, in the dependencies of a component.
fn check_dependencies(component: &Table) -> Result<()> {
    let Ok(dependencies) = table(component, "dependencies") else { return Ok(()) };
    let mut packages: Vec<_> =
        dependencies.keys().map(|name| name.split(['/', '@']).next().unwrap_or(name)).collect();
    packages.sort_unstable();
    let count = packages.len();
    packages.dedup();
    ensure!(packages.len() == count, "two dependencies of one package: one line a package");
    for dependency in dependencies.values() {
        let inherited = dependency.get("inherit_configuration").and_then(Value::as_array);
        for name in inherited.into_iter().flatten().filter_map(Value::as_str) {
            ensure!(INHERITABLE.contains(&name), "nobody can inherit {name:?}");
        }
    }
    Ok(())
}

fn table<'a>(of: &'a Table, key: &str) -> Result<&'a Table> {
    of.get(key).and_then(Value::as_table).with_context(|| format!("no table {key}"))
}

#[test]
fn the_check_sees_what_spin_would_not() -> Result<()> {
    let broken = [
        "surprise = 1",
        "[component.a]\nsqlite_database = []",
        "[component.a.build]\ncmd = ''",
        "[component.a.dependencies]\n'a:b' = { path = '', inherit = [] }",
        "[component.a.dependencies]\n'a:b' = { path = '', inherit_configuration = ['sqlite'] }",
        "[component.a.dependencies]\n'a:b/c' = { path = '' }\n'a:b/d' = { path = '' }",
        "[[trigger.http]]\nroute = '/'\npath = '/'",
        "[[trigger.cron]]\ncomponent = 'a'",
        "[variables]\na = { standard = '' }",
    ];
    for text in broken {
        let manifest: Table = format!("spin_manifest_version = 2\n{text}").parse()?;
        ensure!(check(&manifest).is_err(), "not seen: {text}");
    }
    Ok(())
}
