//! Statements and sub-statements (2.4).

use serde_json::Value;

use crate::check::{At, Checked, Property, optional, required};
use crate::{Version, activity, actor, attachment, context, result, scalar};

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

const VERB: &[Property] = &[required("id", scalar::iri), optional("display", scalar::language_map)];

/// A whole statement.
pub fn statement(at: &At) -> Checked {
    at.properties("2.4", &[CORE, STATEMENT])?;
    context_fits_object(at)?;
    let voids = verb_id(at.value) == Some(VOIDED);
    let refers = at.value.get("object").map(object_type) == Some("StatementRef");
    at.require(!voids || refers, "2.3.2", "voided must have a StatementRef as its object")
}

fn sub_statement(at: &At) -> Checked {
    at.properties("2.4.4.3", &[CORE, SUB_STATEMENT])?;
    context_fits_object(at)
}

fn verb(at: &At) -> Checked {
    at.properties("2.4.3", &[VERB])
}

fn object(at: &At) -> Checked {
    at.object("2.4.4")?;
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
        other => Err(at.violation("2.4.4", format!("there is no objectType {other:?}"))),
    }
}

/// `revision` and `platform` speak of an activity (2.4.6).
fn context_fits_object(at: &At) -> Checked {
    let object = at.value.get("object").map_or("", object_type);
    let Some(context) = at.get("context") else { return Ok(()) };
    for name in ["revision", "platform"] {
        let absent = context.value.get(name).is_none();
        let rule = "revision and platform must be absent unless the object is an activity";
        context.require(absent || object == "Activity", "2.4.6", rule)?;
    }
    Ok(())
}

fn version(at: &At) -> Checked {
    let text = at.string("2.4.10")?;
    let (holds, rule) = match at.version {
        Version::V1_0 => (text.starts_with("1.0."), "must be 1.0.x"),
        Version::V2_0 => (text == "2.0.0" || text.starts_with("1.0."), "must be 2.0.0 or 1.0.x"),
    };
    at.require(holds, "2.4.10", rule)
}

fn verb_id(statement: &Value) -> Option<&str> {
    statement.get("verb")?.get("id")?.as_str()
}

/// What kind of thing an object is (2.4.4).
fn object_type(object: &Value) -> &str {
    match object.get("objectType") {
        Some(kind) => kind.as_str().unwrap_or("(not a string)"),
        None => "Activity",
    }
}
