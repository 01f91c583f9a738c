//! Statements of a small world, for tests: a few of everything.

use hedgeschool_xapi::Facts;
use proptest::prelude::*;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::insertion::Statements;
use crate::test_database::run_statement;

/// How many agents, verbs, activities and registrations there are.
const EACH: u8 = 3;

/// What a statement says, by numbers.
#[derive(Clone, Debug)]
pub struct Sketch {
    pub number: u8,
    pub actor: u8,
    pub verb: u8,
    pub object: Object,
    /// Its verb is voided, if its object is a statement.
    pub voids: bool,
    pub instructor: Option<u8>,
    pub category: Option<u8>,
    pub registration: Option<u8>,
    pub authority: u8,
    pub score: Option<u8>,
}

/// What a statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    Activity(u8),
    Statement(u8),
}

pub fn agent_id(number: u8) -> String {
    format!("mbox:mailto:agent{number}@example.org")
}

pub fn verb_id(number: u8) -> String {
    format!("https://example.org/verb/{number}")
}

pub fn activity_id(number: u8) -> String {
    format!("https://example.org/activity/{number}")
}

pub fn statement_id(number: u8) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// Any of the few there are.
pub fn one_of_each() -> impl Strategy<Value = u8> {
    0..EACH
}

impl Sketch {
    /// Any statement, about one of `count` others or an activity.
    pub fn any_sketch(count: u8) -> impl Strategy<Value = Self> {
        let each = one_of_each;
        let some = || prop::option::of(one_of_each());
        let object = prop_oneof![
            2 => each().prop_map(Object::Activity),
            1 => (0..count).prop_map(Object::Statement),
        ];
        let parts = (each(), each(), object, any::<bool>(), some(), some(), some(), each(), some());
        parts.prop_map(|parts| {
            let (actor, verb, object, voids, instructor, category, registration, authority, score) =
                parts;
            let voids = voids && matches!(object, Object::Statement(_));
            Self {
                number: 0,
                actor,
                verb,
                object,
                voids,
                instructor,
                category,
                registration,
                authority,
                score,
            }
        })
    }

    /// Some statements, whose numbers are their places.
    pub fn several_sketches(count: u8) -> impl Strategy<Value = Vec<Self>> {
        prop::collection::vec(Self::any_sketch(count), 1..usize::from(count)).prop_map(|sketches| {
            let number = |(sketch, number)| Self { number, ..sketch };
            sketches.into_iter().zip(0..).map(number).collect()
        })
    }

    /// It as a record store has it.
    pub fn make_body(&self) -> String {
        let agent = |number: u8| json!({ "mbox": agent_id(number).replacen("mbox:", "", 1) });
        let verb = match self.voids {
            true => "http://adlnet.gov/expapi/verbs/voided".to_owned(),
            false => verb_id(self.verb),
        };
        let object = match self.object {
            Object::Activity(number) => json!({
                "id": activity_id(number),
                "definition": { "name": { "en": format!("by {}", self.actor) } },
            }),
            Object::Statement(number) => {
                json!({ "objectType": "StatementRef", "id": statement_id(number) })
            }
        };
        let mut statement = json!({
            "id": statement_id(self.number), "actor": agent(self.actor), "verb": { "id": verb },
            "object": object, "authority": agent(self.authority), "version": "1.0.0",
            "timestamp": format!("2026-01-{:02}T00:00:00.000Z", self.number + 1),
            "context": {},
        });
        if let Some(number) = self.instructor {
            statement["context"]["instructor"] = agent(number);
        }
        if let Some(number) = self.category {
            statement["context"]["contextActivities"]["category"] =
                json!([{ "id": activity_id(number) }]);
        }
        if let Some(number) = self.registration {
            statement["context"]["registration"] = Value::from(statement_id(number));
        }
        if let Some(score) = self.score {
            statement["result"] = json!({ "score": { "scaled": f64::from(score) / 4.0 } });
        }
        statement.to_string()
    }
}

/// Stores bodies as one batch of a client.
pub fn store_bodies(database: &Connection, bodies: &[String]) -> Result<(), String> {
    let facts: Vec<_> = bodies.iter().map(|body| Facts::of(body).unwrap()).collect();
    let statements = Statements { bodies, facts: &facts };
    run_statement(database, &statements.sql(), &statements.parameters(1_700_000_000_000_000))
}

/// The bodies of sketches.
pub fn make_bodies(sketches: &[Sketch]) -> Vec<String> {
    sketches.iter().map(Sketch::make_body).collect()
}
