//! The same application as `spin registry push --compose=false` lays it out: for
//! containerd-shim-spin and others that embed Spin.
//!
//! A layer is a component's file as it is, and the last one is the locked application: the manifest
//! with digests in the place of paths. What its fields are called is in Spin's sources,
//! `crates/locked-app/src/locked.rs` and `crates/oci/src/client.rs` (read at commit 94a8fc8a).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::blob::Blob;
use super::files::Packed;
use super::layout::Layout;
use crate::allowed_hosts::SERVICE_DOMAIN;
use crate::manifest::{Application, Component, Dependency};

/// A component's file.
const WASM: &str = "application/vnd.wasm.content.layer.v1+wasm";
/// The locked application.
const LOCKED: &str = "application/vnd.fermyon.spin.application.v1+config";
/// What a component that asks others of its application needs of its host.
const CHAINING: &str = "local_service_chaining";

/// Writes the application as an OCI layout into `output`. Answers the archive of that.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write_for_spin(
    application: &Application,
    packed: &Packed,
    reference: &str,
    output: &Path,
) -> Result<PathBuf> {
    let mut layout = Layout::in_folder(&output.join("spin"))?;
    let (mut layers, mut digests) = (Vec::new(), BTreeMap::new());
    for source in packed.components.values() {
        let bytes = fs::read(source).with_context(|| format!("{}", source.display()))?;
        let layer = layout.add_blob(&Blob { kind: WASM, bytes })?;
        digests.insert(source.clone(), digest_of(&layer));
        layers.push(layer);
    }
    let locked =
        layout.add_blob(&Blob::from_json(LOCKED, &locked_application(application, &digests)?)?)?;
    // The label makes images differ whose layers do not.
    let config = json!({
        "architecture": "wasm",
        "os": "Wasip1",
        "config": {"Labels": {"com.fermyon.spin.lockedAppDigest": digest_of(&locked)}},
        "rootfs": {"type": "layers", "diff_ids": []},
    });
    layers.push(locked);
    let config =
        layout.add_blob(&Blob::from_json("application/vnd.oci.image.config.v1+json", &config)?)?;
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({
        "schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers,
    });
    let manifest = layout.add_blob(&Blob::from_json(kind, &manifest)?)?;
    layout.write_index(manifest, reference)?;
    let archive = output.join(format!("{}-spin.tar", application.name));
    layout.write_archive(&archive, &BTreeSet::new())?;
    Ok(archive)
}

fn digest_of(descriptor: &Value) -> String {
    descriptor.get("digest").and_then(Value::as_str).unwrap_or_default().to_owned()
}

type DigestsByPath = BTreeMap<PathBuf, String>;

/// The locked application.
fn locked_application(application: &Application, digests: &DigestsByPath) -> Result<Value> {
    let components = application.components.iter();
    let components = components.map(|(id, one)| locked_component(id, one, digests));
    let components: Vec<_> = components.collect::<Result<_>>()?;
    let variables = application.variables.iter().map(|(name, variable)| {
        let mut described = Map::new();
        if let Some(default) = &variable.default {
            described.insert("default".to_owned(), json!(default));
        }
        if variable.secret {
            described.insert("secret".to_owned(), json!(true));
        }
        (name.clone(), Value::Object(described))
    });
    Ok(json!({
        "spin_lock_version": 1,
        "must_understand": ["component_host_requirements"],
        "metadata": {
            "name": application.name,
            "version": application.version,
            "triggers": {},
            "trigger": {"type": "http"},
        },
        "variables": variables.collect::<Map<_, _>>(),
        "triggers": locked_triggers(application),
        "components": components,
    }))
}

/// A trigger for each route, and one for each component that has none of its own.
fn locked_triggers(application: &Application) -> Vec<Value> {
    let routed = application.routes.iter().map(|(path, id)| (json!(path), id));
    let is_private =
        |id: &&String| !application.routes.iter().any(|(_, component)| component == *id);
    let private = application.components.keys().filter(is_private);
    let all = routed.chain(private.map(|id| (json!({"private": true}), id)));
    let triggers = all.enumerate().map(|(number, (route, id))| {
        json!({
            "id": format!("trigger-{id}-{number}"),
            "trigger_type": "http",
            "trigger_config": {"component": id, "route": route},
        })
    });
    triggers.collect()
}

fn locked_component(id: &str, component: &Component, digests: &DigestsByPath) -> Result<Value> {
    let dependencies = component.dependencies.iter();
    let dependencies =
        dependencies.map(|one| Ok((one.name.clone(), locked_dependency(one, digests)?)));
    let mut locked = json!({
        "id": id,
        "metadata": {
            "allowed_outbound_hosts": component.allowed_outbound_hosts,
            "key_value_stores": component.key_value_stores,
            "databases": component.sqlite_databases,
        },
        "source": locked_source(&component.source, digests)?,
        "env": component.environment,
        "config": component.variables,
        "dependencies": dependencies.collect::<Result<Map<_, _>>>()?,
    });
    let asks_others =
        component.allowed_outbound_hosts.iter().any(|host| host.contains(SERVICE_DOMAIN));
    if let Some(locked) = locked.as_object_mut().filter(|_| asks_others) {
        locked.insert("host_requirements".to_owned(), json!({CHAINING: "required"}));
    }
    Ok(locked)
}

fn locked_dependency(dependency: &Dependency, digests: &DigestsByPath) -> Result<Value> {
    Ok(json!({
        "source": locked_source(&dependency.source, digests)?,
        "export": dependency.export,
        "inherit": {"Some": dependency.inherit.class_names()},
    }))
}

fn locked_source(path: &Path, digests: &DigestsByPath) -> Result<Value> {
    let digest = digests.get(path).with_context(|| format!("{} is not packed", path.display()))?;
    Ok(json!({"content_type": "application/wasm", "digest": digest}))
}
