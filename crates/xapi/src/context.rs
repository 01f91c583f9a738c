//! The context of a statement (2.4.6).

use crate::activity::activity;
use crate::actor::{agent, agent_or_group, group};
use crate::check::{At, Checked, Property, optional, required};
use crate::scalar;
use crate::version::Version;

const CONTEXT: &[Property] = &[
    optional("registration", scalar::uuid),
    optional("instructor", agent_or_group),
    optional("team", group),
    optional("contextActivities", context_activities),
    optional("revision", scalar::string),
    optional("platform", scalar::string),
    optional("language", scalar::language),
    optional("statement", statement_ref),
    optional("extensions", scalar::extensions),
];

/// What 2.0 adds (2.0, 4.2.2.5).
const CONTEXT_2: &[Property] =
    &[optional("contextAgents", context_agents), optional("contextGroups", context_groups)];

const ACTIVITIES: &[Property] = &[
    optional("parent", one_or_more),
    optional("grouping", one_or_more),
    optional("category", one_or_more),
    optional("other", one_or_more),
];

const REFERENCE: &[Property] =
    &[required("objectType", reference_type), required("id", scalar::uuid)];

const CONTEXT_OF_2: &str = "2.0, 4.2.2.5";

const CONTEXT_AGENT: &[Property] = &[
    required("objectType", context_agent_type),
    required("agent", agent),
    optional("relevantTypes", relevant_types),
];

const CONTEXT_GROUP: &[Property] = &[
    required("objectType", context_group_type),
    required("group", group),
    optional("relevantTypes", relevant_types),
];

/// A context, of a statement whose object may or may not be an activity.
pub fn context(at: &At) -> Checked {
    match at.version {
        Version::V1_0 => at.properties("2.4.6", &[CONTEXT]),
        Version::V2_0 => at.properties("2.4.6", &[CONTEXT, CONTEXT_2]),
    }
}

/// A reference to another statement (2.4.4.3).
pub fn statement_ref(at: &At) -> Checked {
    at.properties("2.4.4.3", &[REFERENCE])
}

fn reference_type(at: &At) -> Checked {
    at.constant("2.4.4.3", "StatementRef")
}

fn context_activities(at: &At) -> Checked {
    at.properties("2.4.6.2", &[ACTIVITIES])
}

fn one_or_more(at: &At) -> Checked {
    if at.value.as_array().is_some() { at.each("2.4.6.2", activity) } else { activity(at) }
}

fn context_agents(at: &At) -> Checked {
    at.each(CONTEXT_OF_2, |item| item.properties(CONTEXT_OF_2, &[CONTEXT_AGENT]))
}

fn context_groups(at: &At) -> Checked {
    at.each(CONTEXT_OF_2, |item| item.properties(CONTEXT_OF_2, &[CONTEXT_GROUP]))
}

fn context_agent_type(at: &At) -> Checked {
    at.constant(CONTEXT_OF_2, "contextAgent")
}

fn context_group_type(at: &At) -> Checked {
    at.constant(CONTEXT_OF_2, "contextGroup")
}

fn relevant_types(at: &At) -> Checked {
    let some = at.value.as_array().is_some_and(|types| !types.is_empty());
    at.require(some, CONTEXT_OF_2, "must be an array with at least one type")?;
    at.each(CONTEXT_OF_2, scalar::iri)
}
