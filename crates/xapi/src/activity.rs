//! Activities and their definitions (2.4.4.1).

use std::collections::HashSet;

use crate::check::{At, Checked, Property, optional, required};
use crate::json::Json;
use crate::scalar;

const ACTIVITY: &[Property] = &[
    optional("objectType", object_type),
    required("id", scalar::iri),
    optional("definition", definition),
];

const DEFINITION: &[Property] = &[
    optional("name", scalar::language_map),
    optional("description", scalar::language_map),
    optional("type", scalar::iri),
    optional("moreInfo", scalar::iri),
    optional("extensions", scalar::extensions),
    optional("interactionType", interaction_type),
    optional("correctResponsesPattern", responses),
    optional("choices", components),
    optional("scale", components),
    optional("source", components),
    optional("target", components),
    optional("steps", components),
];

const COMPONENT: &[Property] =
    &[required("id", scalar::string), optional("description", scalar::language_map)];

/// Each interaction type and the lists of components it may have (2.4.4.1, interaction
/// components).
const INTERACTIONS: [(&str, &[&str]); 10] = [
    ("true-false", &[]),
    ("choice", &["choices"]),
    ("fill-in", &[]),
    ("long-fill-in", &[]),
    ("matching", &["source", "target"]),
    ("performance", &["steps"]),
    ("sequencing", &["choices"]),
    ("likert", &["scale"]),
    ("numeric", &[]),
    ("other", &[]),
];
const COMPONENT_LISTS: [&str; 5] = ["choices", "scale", "source", "target", "steps"];

/// An activity.
pub fn activity(at: &At) -> Checked {
    at.properties("2.4.4.1", &[ACTIVITY])
}

fn object_type(at: &At) -> Checked {
    at.constant("2.4.4.1", "Activity")
}

fn definition(at: &At) -> Checked {
    at.properties("2.4.4.1", &[DEFINITION])?;
    let mut lists = COMPONENT_LISTS.into_iter().filter_map(|list| Some((list, at.get(list)?)));
    let Some(kind) = at.value.get("interactionType").and_then(Json::as_str) else {
        let plain = at.value.get("correctResponsesPattern").is_none() && lists.next().is_none();
        return if plain { Ok(()) } else { Err(at.missing("2.4.4.1", "interactionType")) };
    };
    let allowed = INTERACTIONS.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, l)| l);
    match lists.find(|(list, _)| !allowed.contains(list)) {
        Some((_, place)) => {
            let rule = format!("must be absent: the interactionType is {kind:?}");
            Err(place.violation("2.4.4.1", rule))
        }
        None => Ok(()),
    }
}

fn interaction_type(at: &At) -> Checked {
    let kind = at.string("2.4.4.1")?;
    let known = INTERACTIONS.iter().any(|(name, _)| *name == kind);
    at.require(known, "2.4.4.1", "must be one of the interaction types of cmi.interactions")
}

fn responses(at: &At) -> Checked {
    at.each("2.4.4.1", scalar::string)
}

fn components(at: &At) -> Checked {
    at.each("2.4.4.1", |component| component.properties("2.4.4.1", &[COMPONENT]))?;
    let items = at.value.as_array().into_iter().flatten();
    let mut seen = HashSet::new();
    let distinct = items.filter_map(|item| item.get("id")?.as_str()).all(|id| seen.insert(id));
    at.require(distinct, "2.4.4.1", "the ids of a list must differ")
}
