//! Manifests as objects.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

/// A path of this repository.
#[must_use]
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The objects in the files of a folder, which is no overlay.
pub(crate) fn read(folder: &Path) -> Result<Vec<Value>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|it| it == "yaml"));
    files.retain(|file| !file.ends_with("kustomization.yaml"));
    files.sort();
    let mut objects = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file)?;
        objects.extend(parse(&text).with_context(|| file.display().to_string())?);
    }
    Ok(objects)
}

/// The objects of a text.
fn parse(text: &str) -> Result<Vec<Value>> {
    let object = |part: &str| {
        let value = regorus::Value::from_yaml_str(part)?;
        Ok(serde_json::from_str(&value.to_json_str()?)?)
    };
    text.split("\n---\n").map(object).collect()
}

/// The objects that the overlays of `k3s` are made of, as they are in its files, with each image's
/// version that an overlay would add.
///
/// # Errors
/// When a file is none of objects.
pub fn sources() -> Result<Vec<Value>> {
    let folders = [
        "base",
        "components/hedge",
        "components/redis",
        "components/spinkube",
        "components/ticker",
        "monitoring/edge",
        "monitoring/region",
        "wasmedge",
    ];
    let mut objects = Vec::new();
    for folder in folders {
        objects.extend(read(&repository("k3s").join(folder))?);
    }
    objects.retain(|object| object.get("kind").is_some());
    Ok(objects.into_iter().map(with_versions).collect())
}

/// The object with a version at each image that has none.
#[must_use]
pub fn with_versions(mut object: Value) -> Value {
    add_versions(&mut object);
    object
}

fn add_versions(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(image) if key == "image" && !image.contains(':') => {
                        image.push(':');
                        image.push_str(env!("CARGO_PKG_VERSION"));
                    }
                    _ => add_versions(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(add_versions),
        _ => {}
    }
}

/// The pods that a cluster makes of an object, with the node label of their class at an edge.
#[must_use]
pub fn pods(object: &Value) -> Vec<Value> {
    let places = ["/spec/template", "/spec/jobTemplate/spec/template"];
    let pod = |template: &Value| {
        let mut pod = template.clone();
        let fields = pod.as_object_mut()?;
        fields.insert("kind".to_owned(), "Pod".into());
        let spec = fields.get_mut("spec")?.as_object_mut()?;
        if spec.get("runtimeClassName").is_some_and(|class| class == "hedge") {
            spec.insert("nodeSelector".to_owned(), serde_json::json!({"node-type": "edge"}));
        }
        Some(pod)
    };
    places.iter().filter_map(|place| pod(object.pointer(place)?)).collect()
}
