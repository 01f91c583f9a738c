//! No component imports anything that Spin 4.1 does not offer.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{MANIFESTS, repository};
use toml::Table;
use wasmparser::{Parser, Payload};

/// What Spin 4.1 offers to a component, as far as it could concern one of ours. A name that ends
/// in `/` stands for every interface of that package, in the versions beside it.
const OFFERED: [(&str, &[&str]); 13] = [
    ("wasi:cli/", WASI),
    ("wasi:clocks/", WASI),
    ("wasi:filesystem/", WASI),
    ("wasi:http/", WASI),
    ("wasi:io/", WASI_0_2),
    ("wasi:random/", WASI),
    ("wasi:sockets/", WASI),
    ("spin:key-value/key-value", &["3.0.0"]),
    ("spin:mqtt/mqtt", &["3.0.0"]),
    ("spin:redis/redis", &["3.0.0"]),
    ("spin:sqlite/sqlite", &["3.1.0"]),
    ("spin:variables/variables", &["3.0.0"]),
    // Types alone: there is nothing that anybody would have to offer.
    ("hedgeschool:journal/types", &["0.1.0"]),
];
const WASI: &[&str] = &["0.2.0", "0.2.1", "0.2.2", "0.2.3", "0.2.4", "0.2.5", "0.2.6", "0.3.0"];
const WASI_0_2: &[&str] = &["0.2.0", "0.2.1", "0.2.2", "0.2.3", "0.2.4", "0.2.5", "0.2.6"];

#[test]
fn components_import_only_what_spin_offers_or_a_dependency_exports() -> Result<()> {
    let mut checked = 0;
    for manifest in MANIFESTS {
        let path = repository(manifest);
        let home = path.parent().context("a manifest is in a folder")?;
        let table: Table = fs::read_to_string(&path)?.parse()?;
        let components = table.get("component").and_then(|value| value.as_table());
        for (name, component) in components.context("no components")? {
            check(home, component).with_context(|| format!("component {name} of {manifest}"))?;
            checked += 1;
        }
    }
    ensure!(checked >= 6, "only {checked} components were found");
    Ok(())
}

/// Checks a component of a manifest together with its dependencies.
fn check(home: &Path, component: &toml::Value) -> Result<()> {
    let source = component.get("source").and_then(toml::Value::as_str).context("no source")?;
    let mut left = unoffered(&home.join(source))?;
    let dependencies = component.get("dependencies").and_then(toml::Value::as_table);
    for (package, dependency) in dependencies.into_iter().flatten() {
        let path = dependency.get("path").and_then(toml::Value::as_str).context("no path")?;
        let path = home.join(path);
        let exported = interface_names(&path, Side::Exports)?;
        left.retain(|import| !(is_of_package(import, package) && exported.contains(import)));
        // What a dependency needs itself is not composed: the host has to offer all of it.
        let nested = unoffered(&path)?;
        ensure!(nested.is_empty(), "{} imports {nested:?}", path.display());
    }
    ensure!(left.is_empty(), "nothing offers {left:?}");
    Ok(())
}

fn is_of_package(import: &str, package: &str) -> bool {
    let (name, version) = package.split_once('@').unwrap_or((package, ""));
    import.starts_with(&format!("{name}/")) && import.ends_with(version)
}

fn unoffered(component: &Path) -> Result<BTreeSet<String>> {
    let mut imports = interface_names(component, Side::Imports)?;
    imports.retain(|import| !is_offered(import));
    Ok(imports)
}

fn is_offered(import: &str) -> bool {
    let Some((name, version)) = import.split_once('@') else { return false };
    OFFERED.iter().any(|(offered, versions)| {
        let named =
            if offered.ends_with('/') { name.starts_with(offered) } else { name == *offered };
        named && versions.contains(&version)
    })
}

/// A side of a component.
#[derive(PartialEq)]
enum Side {
    Imports,
    Exports,
}

/// The names of what a component imports or exports itself, leaving out the components inside it.
fn interface_names(path: &Path, side: Side) -> Result<BTreeSet<String>> {
    let bytes = read(path)?;
    let mut names = BTreeSet::new();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.with_context(|| path.display().to_string())? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 && side == Side::Imports => {
                for import in section {
                    names.insert(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 && side == Side::Exports => {
                for export in section {
                    names.insert(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path)
        .with_context(|| format!("{}: `cargo xtask build --examples` makes it", path.display()))
}

#[test]
fn the_check_sees_what_it_should() -> Result<()> {
    let store: PathBuf = repository("target/wasm32-wasip2/release/hedgeschool_progress_store.wasm");
    let exports = interface_names(&store, Side::Exports)?;
    assert!(exports.contains("hedgeschool:progress/statements@0.2.0"), "{exports:?}");
    let imports = interface_names(&store, Side::Imports)?;
    assert!(imports.contains("spin:sqlite/sqlite@3.1.0"), "{imports:?}");
    assert!(!is_offered("wasi:http/handler@0.3.0-rc-2026-03-15"));
    assert!(!is_offered("spin:sqlite/sqlite@4.0.0") && !is_offered("wasi:io/poll@0.3.0"));
    assert!(is_offered("wasi:http/types@0.3.0") && is_offered("wasi:io/poll@0.2.6"));
    Ok(())
}
