//! Agents and groups (2.4.2), and what identifies one.

use crate::check::{At, Checked, Property, optional, required};
use crate::error::Violation;
use crate::json::Json;
use crate::scalar;
use crate::version::Version;

/// The four inverse functional identifiers (2.4.2.3).
pub const IDENTIFIERS: [&str; 4] = ["mbox", "mbox_sha1sum", "openid", "account"];

const ANYONE: &[Property] = &[
    optional("objectType", scalar::string),
    optional("name", scalar::string),
    optional("mbox", scalar::mailto),
    optional("mbox_sha1sum", scalar::sha1),
    optional("openid", scalar::iri),
    optional("account", account),
];
const MEMBERS: &[Property] = &[optional("member", members)];
const ACCOUNT: &[Property] = &[required("homePage", scalar::iri), required("name", scalar::string)];

fn account(at: &At) -> Checked {
    at.properties("2.4.2.4", &[ACCOUNT])
}

fn members(at: &At) -> Checked {
    at.each("2.4.2.2", agent)
}

/// An agent: exactly one identifier (2.4.2.1).
pub fn agent(at: &At) -> Checked {
    if let Some(kind) = at.get("objectType").filter(|kind| *kind.value != Json::Null) {
        kind.constant("2.4.2.1", "Agent")?;
    }
    at.properties("2.4.2.1", &[ANYONE])?;
    at.require(identifiers(at.value).count() == 1, "2.4.2.1", ONE_IDENTIFIER)
}

const ONE_IDENTIFIER: &str = "must have exactly one of mbox, mbox_sha1sum, openid and account";

/// A group: one identifier, or none and members (2.4.2.2).
pub fn group(at: &At) -> Checked {
    at.properties("2.4.2.2", &[ANYONE, MEMBERS])?;
    match at.get("objectType") {
        Some(kind) => kind.constant("2.4.2.2", "Group")?,
        None => return Err(at.missing("2.4.2.2", "objectType")),
    }
    match identifiers(at.value).count() {
        0 => {
            let members = at.value.get("member").and_then(Json::as_array);
            let some = members.is_some_and(|members| !members.is_empty());
            at.require(some, "2.4.2.2", "a group without an identifier must have members")
        }
        1 => Ok(()),
        _ => Err(at.violation("2.4.2.2", ONE_IDENTIFIER)),
    }
}

/// An agent or a group, as its `objectType` says.
pub fn agent_or_group(at: &At) -> Checked {
    at.object("2.4.2")?;
    if object_type(at) == Some("Group") { group(at) } else { agent(at) }
}

/// Who vouches for a statement (2.4.9): an agent, or the application and the user of three-legged
/// OAuth, which are a group of two that has no identifier of its own.
pub fn authority(at: &At) -> Checked {
    at.object("2.4.9")?;
    if object_type(at) != Some("Group") {
        return agent(at);
    }
    group(at)?;
    let two = at.value.get("member").and_then(Json::as_array).is_some_and(|m| m.len() == 2);
    at.require(two, "2.4.9", "as a group must have exactly two members")?;
    let anonymous = identifiers(at.value).next().is_none();
    at.require(anonymous, "2.4.9", "as a group must have no identifier of its own")
}

fn object_type<'a>(at: &At<'a>) -> Option<&'a str> {
    at.value.get("objectType").and_then(Json::as_str)
}

fn identifiers<'a>(actor: &'a Json<'_>) -> impl Iterator<Item = &'a str> {
    IDENTIFIERS.into_iter().filter(|name| actor.get(name).is_some())
}

/// The identifier of an agent or group given as JSON, in one line of text:
/// `mbox:mailto:ada@example.org`, `account:https://example.org|ada`. What has the same line is the
/// same actor.
///
/// # Errors
/// It is no agent or group, or a group without an identifier.
pub fn agent_id(json: &str) -> Result<String, Violation> {
    let value = Json::parse(json).map_err(|error| Violation {
        path: "agent".into(),
        rule: format!("must be JSON: {error}"),
        section: "2.4.2",
    })?;
    let at = At::root(&value, Version::V2_0);
    agent_or_group(&at)?;
    identifier(&value).ok_or_else(|| at.violation("2.4.2.3", ONE_IDENTIFIER))
}

/// The identifier of an actor that passed validation. None: an anonymous group.
pub fn identifier(actor: &Json) -> Option<String> {
    let name = identifiers(actor).next()?;
    let value = actor.get(name)?;
    Some(match value.as_str() {
        Some(text) if name == "mbox_sha1sum" => format!("{name}:{}", text.to_ascii_lowercase()),
        Some(text) if name == "mbox" => format!("{name}:{}", same_mailbox(text)),
        Some(text) => format!("{name}:{text}"),
        None => {
            let part = |key| value.get(key).and_then(Json::as_str).unwrap_or_default();
            format!("account:{}|{}", part("homePage"), part("name"))
        }
    })
}

/// An `mbox` in the form that all its spellings share: the domain has no case (2.3.1, 2.4.2.3).
pub fn same_mailbox(mbox: &str) -> String {
    match mbox.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
        None => mbox.to_owned(),
    }
}
