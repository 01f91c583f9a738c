//! Whom and what a statement speaks of: the agents and activities in it, and how near they are to
//! it.

use crate::actor;
use crate::json::Json;
use crate::term::{Facet, Kind, hash, term, text_hash};

/// What a statement says of an activity.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// The activity's IRI.
    pub activity: String,
    /// Tells definitions of an activity apart.
    pub hash: i64,
    /// The definition as JSON, its properties sorted.
    pub body: String,
}

/// The agents and activities of a statement, its sub-statement and their contexts.
#[derive(Default)]
pub struct Mentions {
    /// What the statement is found by; sorted, each once.
    pub terms: Vec<i64>,
    /// Definitions of activities.
    pub definitions: Vec<Definition>,
    /// Names of agents, by identifier.
    pub personas: Vec<(String, String)>,
}

/// Whether something is what the statement is about, or only named in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Near {
    Direct,
    Related,
    /// Who vouches for it.
    Authority,
}

impl Mentions {
    /// Collects them.
    pub fn of(statement: &Json) -> Self {
        let mut mentions = Self::default();
        mentions.statement(statement, Near::Direct);
        let text = |path: &[&str]| statement.find(path).and_then(Json::as_str);
        if let Some(verb) = text(&["verb", "id"]) {
            mentions.terms.push(term(Facet::Verb, verb));
        }
        if let Some(registration) = text(&["context", "registration"]) {
            mentions.terms.push(term(Facet::Registration, &registration.to_ascii_lowercase()));
        }
        if let Some(authority) = statement.get("authority") {
            mentions.agent(authority, Near::Authority);
        }
        mentions.terms.sort_unstable();
        mentions.terms.dedup();
        mentions
    }

    /// A statement or sub-statement; of the latter, everything is merely related.
    fn statement(&mut self, statement: &Json, near: Near) {
        if let Some(actor) = statement.get("actor") {
            self.agent(actor, near);
        }
        if let Some(object) = statement.get("object") {
            self.object(object, near);
        }
        if let Some(context) = statement.get("context") {
            self.context(context);
        }
    }

    fn object(&mut self, object: &Json, near: Near) {
        match object.get("objectType").and_then(Json::as_str).unwrap_or("Activity") {
            "Activity" => self.activity(object, near),
            "Agent" | "Group" => self.agent(object, near),
            "SubStatement" => self.statement(object, Near::Related),
            _ => {}
        }
    }

    fn context(&mut self, context: &Json) {
        let persons = ["instructor", "team"].into_iter().filter_map(|name| context.get(name));
        persons.for_each(|person| self.agent(person, Near::Related));
        for (list, name) in [("contextAgents", "agent"), ("contextGroups", "group")] {
            let items = context.get(list).and_then(Json::as_array).into_iter().flatten();
            let persons = items.filter_map(|item| item.get(name));
            persons.for_each(|person| self.agent(person, Near::Related));
        }
        let lists = context.get("contextActivities").and_then(Json::as_object);
        for list in lists.into_iter().flat_map(|lists| lists.iter().map(|(_, list)| list)) {
            match list.as_array() {
                Some(items) => items.iter().for_each(|item| self.activity(item, Near::Related)),
                None => self.activity(list, Near::Related),
            }
        }
    }

    /// An agent, or a group and its members, who do not vouch for what their group vouches for.
    fn agent(&mut self, agent: &Json, near: Near) {
        if let Some(id) = actor::identifier(agent) {
            let hash = hash(Kind::Agent, &id);
            match near {
                Near::Direct => self.terms.push(Facet::Agent.of(hash)),
                Near::Authority => self.terms.push(Facet::Authority.of(hash)),
                Near::Related => {}
            }
            self.terms.push(Facet::RelatedAgent.of(hash));
            if let Some(name) = agent.get("name").and_then(Json::as_str) {
                self.personas.push((id, name.to_owned()));
            }
        }
        let members = agent.get("member").and_then(Json::as_array).into_iter().flatten();
        let near = if near == Near::Authority { Near::Related } else { near };
        members.for_each(|member| self.agent(member, near));
    }

    fn activity(&mut self, activity: &Json, near: Near) {
        let Some(id) = activity.get("id").and_then(Json::as_str) else { return };
        let hash = hash(Kind::Activity, id);
        if near == Near::Direct {
            self.terms.push(Facet::Activity.of(hash));
        }
        self.terms.push(Facet::RelatedActivity.of(hash));
        let definition = activity.get("definition");
        if let Some(body) = definition.and_then(|it| serde_json::to_string(it).ok()) {
            let hash = text_hash(&body);
            self.definitions.push(Definition { activity: id.to_owned(), hash, body });
        }
    }
}
