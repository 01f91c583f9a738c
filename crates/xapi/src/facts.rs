//! What indexes and projections need to know of a stored statement.

use jiff::fmt::temporal::SpanParser;
use jiff::{SpanRelativeTo, Unit};

use crate::fingerprint::fingerprint;
use crate::json::Json;
use crate::mentions::{Definition, Mentions};
use crate::parties::Parties;
use crate::scalar::parse_uuid;
use crate::statement::VOIDED;
use crate::timestamp::parse_timestamp;

const COMPLETED: &str = "http://adlnet.gov/expapi/verbs/completed";
const PASSED: &str = "http://adlnet.gov/expapi/verbs/passed";
/// How far a learner is, 0 to 100 (cmi5, 9.5.5.1).
const PROGRESS: &str = "https://w3id.org/xapi/cmi5/result/extensions/progress";

/// The properties of a statement that others look it up by, and what it says of a learner's
/// progress.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// UUID.
    pub id: [u8; 16],
    /// Identifier of the actor, as [`crate::agent_id`] writes it. None: an anonymous group.
    pub agent: Option<String>,
    /// Identifier of the authority.
    pub authority: Option<String>,
    /// Verb IRI.
    pub verb: String,
    /// IRI of the object, if it is an activity.
    pub activity: Option<String>,
    /// Registration UUID, lower case.
    pub registration: Option<String>,
    /// When it happened, in milliseconds since 1970.
    pub timestamp_ms: i64,
    /// Says that the activity is completed.
    pub completed: bool,
    /// Says that the activity is passed.
    pub passed: bool,
    /// Scaled score.
    pub score: Option<f64>,
    /// Progress in percent.
    pub progress: Option<u8>,
    /// Time spent, in milliseconds; never negative.
    pub duration_ms: Option<i64>,
    /// The statement that it is about: its object is a StatementRef.
    pub refers: Option<[u8; 16]>,
    /// The statement that it takes back.
    pub voids: Option<[u8; 16]>,
    /// What it is found by, as [`crate::term`] writes it; sorted, each once.
    pub terms: Vec<i64>,
    /// Definitions of activities that it came with.
    pub definitions: Vec<Definition>,
    /// Names it gives to agents: identifier and name.
    pub personas: Vec<(String, String)>,
    /// Equal for equal statements of the same id.
    pub fingerprint: [u8; 16],
}

impl Facts {
    /// The facts of a statement as [`crate::Draft::complete`] wrote it. None: it is not one, or
    /// says a property twice.
    pub fn of(body: &str) -> Option<Self> {
        let value = Json::parse(body).ok()?;
        let part = |path: &[&str]| value.find(path);
        let text = |path: &[&str]| part(path).and_then(Json::as_str);
        let object_type = text(&["object", "objectType"]).unwrap_or("Activity");
        let object_id = text(&["object", "id"]);
        let verb = text(&["verb", "id"])?.to_owned();
        let says = |name: &str| part(&["result", name]).and_then(Json::as_bool) == Some(true);
        let refers = object_id.filter(|_| object_type == "StatementRef");
        let refers = refers.and_then(statement_id);
        value.get("actor")?;
        let Parties { agent, registration, authority } = Parties::of(&value);
        let mentions = Mentions::of(&value);
        Some(Self {
            id: statement_id(text(&["id"])?)?,
            agent,
            authority,
            activity: object_id.filter(|_| object_type == "Activity").map(str::to_owned),
            registration,
            timestamp_ms: parse_timestamp(text(&["timestamp"])?)?.div_euclid(1_000),
            completed: verb == COMPLETED || says("completion"),
            passed: verb == PASSED || says("success"),
            score: part(&["result", "score", "scaled"]).and_then(Json::as_f64),
            progress: progress(&value),
            duration_ms: text(&["result", "duration"]).and_then(duration_ms),
            voids: refers.filter(|_| verb == VOIDED),
            refers,
            terms: mentions.terms,
            definitions: mentions.definitions,
            personas: mentions.personas,
            fingerprint: fingerprint(&value),
            verb,
        })
    }
}

/// The bytes of a statement's id, if it is one.
fn statement_id(text: &str) -> Option<[u8; 16]> {
    parse_uuid(text).map(uuid::Uuid::into_bytes)
}

fn progress(statement: &Json) -> Option<u8> {
    let percent = statement.find(&["result", "extensions", PROGRESS])?.as_u64()?;
    u8::try_from(percent).ok().filter(|percent| *percent <= 100)
}

/// A duration in milliseconds; a day has 24 hours here, and months count from 1970.
fn duration_ms(text: &str) -> Option<i64> {
    let span = SpanParser::new().parse_span(text).ok()?;
    let start = SpanRelativeTo::from(jiff::civil::date(1970, 1, 1));
    // Totals are exact far beyond any session's length.
    span.total((Unit::Millisecond, start)).ok().map(|ms| (ms as i64).max(0))
}
