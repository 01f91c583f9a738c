//! Composition: a component and its dependencies become one component.
//!
//! One instance a dependency: all its interfaces share state. What a dependency may not inherit
//! from its parent is taken away here, by giving the import another name: its
//! `spin:sqlite/sqlite@3.1.0` becomes an import of the whole called
//! `denied-d0-spin:sqlite/sqlite@3.1.0`, and [`super::denied`] answers those with the interface's
//! own refusal. The types stay as they are, so nothing has to be generated for it.

use anyhow::{Context, Result, bail, ensure};
use wac_graph::types::{ItemKind, Package, WorldId};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

use crate::manifest::{Capability, Dependency};

/// How the names of imports begin that are to be refused.
pub const DENIED: &str = "denied-";

/// Composes `root` with `dependencies`, each with the bytes of its component. Without
/// dependencies the bytes come back as they are.
///
/// # Errors
/// When a file is no component, when a dependency satisfies no import or lacks the export, when
/// two satisfy the same import, and when types do not fit. The message names the dependency.
pub fn compose_component(
    root: Vec<u8>,
    dependencies: &[(&Dependency, Vec<u8>)],
) -> Result<Vec<u8>> {
    if dependencies.is_empty() {
        return Ok(root);
    }
    let mut graph = CompositionGraph::new();
    let (world, instance) = instantiate_package(&mut graph, "root", root)?;
    let mut satisfied: Vec<(String, &str)> = Vec::new();
    let mut denied = Vec::new();
    for (index, (dependency, bytes)) in dependencies.iter().enumerate() {
        let context = || format!("dependency {:?}", dependency.name);
        let imports = matching_imports(&graph, world, dependency).with_context(context)?;
        for import in &imports {
            if let Some((_, other)) = satisfied.iter().find(|(name, _)| name == import) {
                bail!(
                    "import {import} is satisfied by both {other:?} and {:?}: keep one",
                    dependency.name
                );
            }
            satisfied.push((import.clone(), &dependency.name));
        }
        let plugged = plug_dependency(&mut graph, instance, index, dependency, bytes, &imports);
        denied.extend(plugged.with_context(context)?);
    }
    let exports: Vec<String> = item_names(&graph, world, |world| &world.exports);
    for name in exports {
        let export = graph.alias_instance_export(instance, &name)?;
        graph.export(export, &name)?;
    }
    let composed = graph.encode(EncodeOptions::default());
    let composed = composed.context("cannot encode the composition")?;
    check_denied(&composed, &denied)?;
    Ok(composed)
}

fn instantiate_package(
    graph: &mut CompositionGraph,
    name: &str,
    bytes: Vec<u8>,
) -> Result<(WorldId, NodeId)> {
    let package = Package::from_bytes(name, None, bytes, graph.types_mut())
        .context("not a WebAssembly component")?;
    let world = package.ty();
    let package = graph.register_package(package)?;
    Ok((world, graph.instantiate(package)))
}

fn item_names<'g>(
    graph: &'g CompositionGraph,
    world: WorldId,
    side: impl Fn(&'g wac_graph::types::World) -> &'g indexmap::IndexMap<String, ItemKind>,
) -> Vec<String> {
    side(&graph.types()[world]).keys().cloned().collect()
}

fn matching_imports(
    graph: &CompositionGraph,
    world: WorldId,
    dependency: &Dependency,
) -> Result<Vec<String>> {
    let all = item_names(graph, world, |world| &world.imports);
    let matching: Vec<_> =
        all.iter().filter(|import| dependency.matches_import(import)).cloned().collect();
    ensure!(
        !matching.is_empty(),
        "the component imports nothing of that name; it imports {}",
        all.join(", ")
    );
    Ok(matching)
}

fn plug_dependency(
    graph: &mut CompositionGraph,
    root: NodeId,
    index: usize,
    dependency: &Dependency,
    bytes: &[u8],
    imports: &[String],
) -> Result<Vec<String>> {
    let (world, instance) =
        instantiate_package(graph, &format!("dependency-{index}"), bytes.to_vec())?;
    let denied = deny_imports(graph, world, instance, index, dependency)?;
    for import in imports {
        let name = dependency.export.as_ref().unwrap_or(import);
        let exports = &graph.types()[world].exports;
        if !exports.contains_key(name) {
            let exports: Vec<_> = exports.keys().cloned().collect();
            bail!("it does not export {name}; it exports {}", exports.join(", "));
        }
        let export = graph.alias_instance_export(instance, name)?;
        graph
            .set_instantiation_argument(root, import, export)
            .with_context(|| format!("its {name} does not fit the import {import}"))?;
    }
    Ok(denied)
}

/// Renames the imports whose class `dependency` does not inherit. Returns their new names.
fn deny_imports(
    graph: &mut CompositionGraph,
    world: WorldId,
    instance: NodeId,
    index: usize,
    dependency: &Dependency,
) -> Result<Vec<String>> {
    let denied = |import: &str| {
        Capability::of_import(import).is_some_and(|class| !dependency.inherit.allows_class(class))
    };
    let imports: Vec<(String, ItemKind)> = graph.types()[world]
        .imports
        .iter()
        .filter(|(name, _)| denied(name))
        .map(|(name, kind)| (name.clone(), *kind))
        .collect();
    let mut renamed = Vec::new();
    for (name, kind) in imports {
        let ItemKind::Instance(interface) = kind else {
            bail!("its import {name} is not an interface");
        };
        let denied = format!("{DENIED}d{index}-{name}");
        // A copy of the interface with an identity of its own: imports whose interfaces have the
        // same identity are merged, and the dependency would share its parent's after all.
        let mut copy = graph.types()[interface].clone();
        copy.id = Some(denied.clone());
        let copy = graph.types_mut().add_interface(copy);
        let node = graph.import(denied.clone(), ItemKind::Instance(copy))?;
        graph.set_instantiation_argument(instance, &name, node)?;
        renamed.push(denied);
    }
    Ok(renamed)
}

/// Looks whether the composition really has the imports that stand for what was denied: were one
/// merged with another, a dependency would have rights nobody gave it.
fn check_denied(composed: &[u8], denied: &[String]) -> Result<()> {
    let mut graph = CompositionGraph::new();
    let (world, _) = instantiate_package(&mut graph, "composed", composed.to_vec())?;
    let imports = &graph.types()[world].imports;
    for name in denied {
        ensure!(imports.contains_key(name), "the composition lost the import {name}");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
