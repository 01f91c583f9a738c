//! Objects of ours with one thing changed, for which one rule is there.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

/// The one list of them.
const MUTATIONS: &str = include_str!("../mutations.toml");

#[derive(Deserialize)]
struct List {
    mutation: Vec<Mutation>,
}

/// One of them: `mutations.toml` says what each field is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutation {
    /// The constraint that refuses it.
    pub rule: String,
    /// The folder below `k3s` whose object it is.
    #[serde(default = "edge")]
    pub folder: String,
    object: String,
    at: String,
    put: Option<Value>,
    /// What the constraint says, or how that begins.
    pub message: String,
}

fn edge() -> String {
    "overlays/edge".to_owned()
}

impl Mutation {
    /// All that there are.
    ///
    /// # Errors
    /// When the list is none.
    pub fn all() -> Result<Vec<Self>> {
        Ok(toml::from_str::<List>(MUTATIONS)?.mutation)
    }

    /// What it is, for who reads of it.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{}: {} of {} with another {}", self.rule, self.object, self.folder, self.at)
    }

    /// The object of these that it changes, changed.
    ///
    /// # Errors
    /// When there is no such object, or nothing to change in it.
    pub fn of(&self, objects: &[Value]) -> Result<Value> {
        let object = objects.iter().find(|object| name(object) == self.object);
        let mut object = object.with_context(|| format!("there is no {}", self.object))?.clone();
        self.change(&mut object).with_context(|| format!("there is no {}", self.at))?;
        Ok(object)
    }

    fn change(&self, object: &mut Value) -> Option<()> {
        let (place, key) = self.at.rsplit_once('/')?;
        let key = key.replace("~1", "/");
        match (object.pointer_mut(place)?, &self.put) {
            (Value::Object(fields), Some(value)) => drop(fields.insert(key, value.clone())),
            (Value::Object(fields), None) => drop(fields.remove(&key)?),
            (Value::Array(values), Some(value)) => {
                *values.get_mut(key.parse::<usize>().ok()?)? = value.clone();
            }
            _ => return None,
        }
        Some(())
    }
}

/// An object's kind and name.
fn name(object: &Value) -> String {
    let text = |place| object.pointer(place).and_then(Value::as_str).unwrap_or_default();
    format!("{}/{}", text("/kind"), text("/metadata/name"))
}
