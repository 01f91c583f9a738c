//! The canonical definition of an activity: how a store gathers it, and how it is answered.

use serde_json::{Map, Value};

use super::language::{self, LanguagePreference};

/// Most entries of a map within a definition (languages of a name, extensions). A definition grows
/// with every statement that names its activity, so it needs an end: past it, entries are updated,
/// not added.
pub const DEFINITION_ENTRIES_MAX: usize = 256;

/// Properties whose entries are gathered one by one.
const MAPS: [&str; 3] = ["name", "description", "extensions"];

/// Properties that only make sense together (2.4.4.1, interaction activities).
const INTERACTION: [&str; 7] =
    ["interactionType", "correctResponsesPattern", "choices", "scale", "source", "target", "steps"];

/// The lists of interaction components, whose items have a description.
const COMPONENTS: [&str; 5] = ["choices", "scale", "source", "target", "steps"];

/// What a store holds of an activity after it saw another definition: names, descriptions and
/// extensions entry by entry, every other property as a whole, the newest each. Another
/// `interactionType` takes all that belongs to the former with it.
///
/// Stores that fold the same definitions in the same order hold the same; the order is theirs to
/// agree on.
pub fn merge_definition(stored: Option<Value>, new: &Value) -> Value {
    let Value::Object(new) = new else { return stored.unwrap_or_else(|| new.clone()) };
    let mut merged = match stored {
        Some(Value::Object(stored)) => stored,
        _ => Map::new(),
    };
    if changes(&merged, new, "interactionType") {
        merged.retain(|name, _| !INTERACTION.contains(&name.as_str()));
    }
    for (name, value) in new {
        let entries = || Value::Object(Map::new());
        match value {
            Value::Object(more) if MAPS.contains(&name.as_str()) => {
                add(merged.entry(name.clone()).or_insert_with(entries), more);
            }
            _ => {
                merged.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(merged)
}

fn changes(stored: &Map<String, Value>, new: &Map<String, Value>, name: &str) -> bool {
    new.get(name).is_some_and(|value| stored.get(name) != Some(value))
}

fn add(entries: &mut Value, more: &Map<String, Value>) {
    let Value::Object(entries) = entries else { return };
    for (key, value) in more {
        if entries.len() < DEFINITION_ENTRIES_MAX || entries.contains_key(key) {
            entries.insert(key.clone(), value.clone());
        }
    }
}

/// Gives an activity the canonical definition, if there is one, and each of its texts in one
/// language.
pub fn canonical(
    activity: &mut Map<String, Value>,
    languages: &[LanguagePreference],
    definition: &dyn Fn(&str) -> Option<Value>,
) {
    let id = activity.get("id").and_then(Value::as_str);
    if let Some(held @ Value::Object(_)) = id.and_then(definition) {
        activity.insert("definition".into(), held);
    }
    if let Some(Value::Object(definition)) = activity.get_mut("definition") {
        one_language(definition, languages);
    }
}

fn one_language(definition: &mut Map<String, Value>, languages: &[LanguagePreference]) {
    for name in ["name", "description"] {
        language::choose(definition.get_mut(name), languages);
    }
    for name in COMPONENTS {
        let Some(Value::Array(components)) = definition.get_mut(name) else { continue };
        for component in components {
            language::choose(component.get_mut("description"), languages);
        }
    }
}
