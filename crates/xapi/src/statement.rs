//! Statements and sub-statements (2.4).

use crate::check::{At, Checked, Property, optional, required};
use crate::json::Json;
use crate::version::Version;
use crate::{activity, actor, attachment, context, result, scalar};

/// The verb that takes a statement back (2.3.2).
pub const VOIDED: &str = "http://adlnet.gov/expapi/verbs/voided";

/// What statements and sub-statements share.
const CORE: &[Property] = &[
    required("actor", actor::agent_or_group),
    required("verb", verb),
    optional("result", result::result),
    optional("context", context::context),
    optional("timestamp", scalar::moment),
    optional("attachments", attachment::attachments),
];

const STATEMENT: &[Property] = &[
    optional("id", scalar::uuid),
    required("object", object),
    optional("stored", scalar::moment),
    optional("authority", actor::authority),
    optional("version", version),
];

const SUB_STATEMENT: &[Property] =
    &[required("objectType", scalar::string), required("object", object_of_sub_statement)];

const OBJECT_TYPES: &str = "must be Activity, Agent, Group, StatementRef or SubStatement";

const VERB: &[Property] = &[required("id", scalar::iri), optional("display", scalar::language_map)];

/// A whole statement.
pub fn statement(at: &At) -> Checked {
    at.properties("2.4", &[CORE, STATEMENT])?;
    context_fits_object(at)?;
    voided_has_target(at)
}

/// What makes a statement valid makes a sub-statement valid (2.4.4.3).
fn sub_statement(at: &At) -> Checked {
    at.properties("2.4.4.3", &[CORE, SUB_STATEMENT])?;
    context_fits_object(at)?;
    voided_has_target(at)
}

fn voided_has_target(at: &At) -> Checked {
    let voids = verb_id(at.value) == Some(VOIDED);
    match at.get("object").filter(|object| voids && object_type(object.value) != "StatementRef") {
        Some(object) => {
            Err(object.violation("2.3.2", "must be a StatementRef: the verb is voided"))
        }
        None => Ok(()),
    }
}

fn verb(at: &At) -> Checked {
    at.properties("2.4.3", &[VERB])
}

fn object(at: &At) -> Checked {
    match object_type(at.value) {
        "SubStatement" => sub_statement(at),
        _ => object_of_sub_statement(at),
    }
}

/// A sub-statement holds no other (2.4.4.3).
fn object_of_sub_statement(at: &At) -> Checked {
    at.object("2.4.4")?;
    match object_type(at.value) {
        "Activity" => activity::activity(at),
        "Agent" => actor::agent(at),
        "Group" => actor::group(at),
        "StatementRef" => context::statement_ref(at),
        "SubStatement" => Err(at.violation("2.4.4.3", "a sub-statement must not hold another")),
        _ => Err(at.get("objectType").unwrap_or(*at).violation("2.4.4", OBJECT_TYPES)),
    }
}

/// `revision` and `platform` speak of an activity (2.4.6).
fn context_fits_object(at: &At) -> Checked {
    let object = at.value.get("object").map_or("", object_type);
    let Some(context) = at.get("context").filter(|_| object != "Activity") else { return Ok(()) };
    match ["revision", "platform"].into_iter().find_map(|name| context.get(name)) {
        Some(place) => {
            Err(place.violation("2.4.6", "must be absent unless the object is an activity"))
        }
        None => Ok(()),
    }
}

/// 2.0 takes statements of 1.0 as they are.
fn version(at: &At) -> Checked {
    let edition = Version::parse(at.string("2.4.10")?);
    let (holds, rule) = match at.version {
        Version::V1_0 => (edition == Some(Version::V1_0), "must be 1.0 or 1.0.x"),
        Version::V2_0 => (edition.is_some(), "must be 2.0, 2.0.x, 1.0 or 1.0.x"),
    };
    at.require(holds, "2.4.10", rule)
}

fn verb_id<'a>(statement: &'a Json<'_>) -> Option<&'a str> {
    statement.get("verb")?.get("id")?.as_str()
}

/// What kind of thing an object is (2.4.4).
fn object_type<'a>(object: &'a Json<'_>) -> &'a str {
    match object.get("objectType") {
        Some(kind) => kind.as_str().unwrap_or("(not a string)"),
        None => "Activity",
    }
}
