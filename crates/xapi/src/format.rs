//! The formats statements are answered in (part three, 2.1.3: `format`).
//!
//! Reducing never fails: what is not of the shape a valid statement has stays as it is.

mod definition;
mod language;

use serde_json::{Map, Value};

use crate::actor::IDENTIFIERS;

pub use definition::{DEFINITION_ENTRIES_MAX, merge_definition};
pub use language::{LANGUAGES_MAX, LanguagePreference, accept_language};

/// How agents, groups, verbs and activities are written in an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// As they were received.
    #[default]
    Exact,
    /// Only what identifies them.
    Ids,
    /// With the definitions the record store holds, each text in one language.
    Canonical,
}

impl Format {
    /// Reads the `format` parameter. None: there is no such format.
    pub fn parse(parameter: &str) -> Option<Self> {
        match parameter {
            "exact" => Some(Self::Exact),
            "ids" => Some(Self::Ids),
            "canonical" => Some(Self::Canonical),
            _ => None,
        }
    }
}

/// Brings a statement into a format.
///
/// For [`Format::Canonical`], `definition` answers what the store holds for an activity's IRI
/// (None: the statement's own definition stays), and of each text of activities and verbs the
/// language that `languages` like best remains. Attachments keep theirs: the standard speaks of
/// activities and verbs only.
pub fn reduce(
    statement: &mut Value,
    format: Format,
    languages: &[LanguagePreference],
    definition: &dyn Fn(&str) -> Option<Value>,
) {
    match format {
        Format::Exact => {}
        Format::Ids => each_thing(statement, &|thing| match thing {
            Thing::Verb(verb) => keep(verb, &["id"]),
            Thing::Activity(activity) => keep(activity, &["id"]),
            Thing::Actor(actor) => identify(actor, false),
            Thing::ObjectActor(actor) => identify(actor, true),
        }),
        Format::Canonical => each_thing(statement, &|thing| match thing {
            Thing::Verb(verb) => language::choose(verb.get_mut("display"), languages),
            Thing::Activity(activity) => definition::canonical(activity, languages, definition),
            Thing::Actor(_) | Thing::ObjectActor(_) => {}
        }),
    }
}

type Object = Map<String, Value>;

/// What formats change.
enum Thing<'a> {
    Verb(&'a mut Object),
    Activity(&'a mut Object),
    /// An agent or a group.
    Actor(&'a mut Object),
    /// One that stands where an activity is expected unless it says what it is (2.4.4.2).
    ObjectActor(&'a mut Object),
}

/// Visits everything a statement and its sub-statement speak of.
fn each_thing(statement: &mut Value, change: &dyn Fn(Thing)) {
    let Value::Object(statement) = statement else { return };
    each_thing_of(statement, change);
    let Some(Value::Object(object)) = statement.get_mut("object") else { return };
    if object_type(object) == "SubStatement" {
        each_thing_of(object, change);
    }
}

fn each_thing_of(statement: &mut Object, change: &dyn Fn(Thing)) {
    for name in ["actor", "authority"] {
        one_actor(statement.get_mut(name), change);
    }
    if let Some(Value::Object(verb)) = statement.get_mut("verb") {
        change(Thing::Verb(verb));
    }
    if let Some(Value::Object(object)) = statement.get_mut("object") {
        match object_type(object) {
            "Activity" => change(Thing::Activity(object)),
            "Agent" | "Group" => change(Thing::ObjectActor(object)),
            _ => {}
        }
    }
    if let Some(Value::Object(context)) = statement.get_mut("context") {
        each_thing_of_context(context, change);
    }
}

fn each_thing_of_context(context: &mut Object, change: &dyn Fn(Thing)) {
    for name in ["instructor", "team"] {
        one_actor(context.get_mut(name), change);
    }
    for (list, name) in [("contextAgents", "agent"), ("contextGroups", "group")] {
        items(context.get_mut(list)).for_each(|item| one_actor(item.get_mut(name), change));
    }
    let Some(Value::Object(activities)) = context.get_mut("contextActivities") else { return };
    for activity in activities.values_mut().flat_map(|list| items(Some(list))) {
        if let Value::Object(activity) = activity {
            change(Thing::Activity(activity));
        }
    }
}

/// The items of an array, or the one value that stands for an array of it.
fn items(value: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    value.into_iter().flat_map(|value| match value {
        Value::Array(items) => items.as_mut_slice(),
        other => std::slice::from_mut(other),
    })
}

fn one_actor(value: Option<&mut Value>, change: &dyn Fn(Thing)) {
    if let Some(Value::Object(actor)) = value {
        change(Thing::Actor(actor));
    }
}

/// Leaves of an actor what identifies it: its identifier, or its members' where a group has none.
/// An `objectType` remains where it says something: of groups, and of an agent in an activity's
/// place.
fn identify(actor: &mut Object, typed: bool) {
    let kind: &[&str] = if typed || object_type(actor) == "Group" { &["objectType"] } else { &[] };
    let identifier = IDENTIFIERS.into_iter().find(|name| actor.contains_key(*name));
    let who = identifier.unwrap_or("member");
    if !actor.contains_key(who) {
        return;
    }
    actor.retain(|name, _| name == who || kind.contains(&name.as_str()));
    if identifier.is_none() {
        for member in items(actor.get_mut("member")) {
            if let Value::Object(member) = member {
                identify_member(member);
            }
        }
    }
}

/// Members are agents: there are no groups in groups, and nothing here follows one that is.
fn identify_member(member: &mut Object) {
    let identifier = IDENTIFIERS.into_iter().find(|name| member.contains_key(*name));
    if let Some(identifier) = identifier {
        keep(member, &[identifier]);
    }
}

fn keep(object: &mut Object, names: &[&str]) {
    object.retain(|name, _| names.contains(&name.as_str()));
}

/// What kind of thing an object is (2.4.4).
fn object_type(object: &Object) -> &str {
    match object.get("objectType") {
        Some(kind) => kind.as_str().unwrap_or_default(),
        None => "Activity",
    }
}
