//! What learners do, at random.

use hedgeschool_tests::statement;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};

/// Learners who sign in: their records are at every node where they have.
pub const LEARNERS: [&str; 3] = ["ana", "ben", "cleo"];
/// The password of all of them.
pub const PASSWORD: &str = "a-long-password";
const ACCOUNTS: &str = "https://hedgeschool.example/people";
const ACTIVITIES: u32 = 4;
const PROGRESS: &str = "https://w3id.org/xapi/cmi5/result/extensions/progress";
const LARGE_BYTES: usize = 100_000;

/// A learner's agent.
pub fn agent(name: &str) -> Value {
    json!({ "objectType": "Agent", "account": { "homePage": ACCOUNTS, "name": name } })
}

/// One of the activities.
pub fn activity(random: &mut StdRng) -> String {
    format!("{}/{}", statement::ACTIVITY, random.random_range(0..ACTIVITIES))
}

/// Somebody does something; most of it adds up to completion.
pub fn statement(random: &mut StdRng) -> Value {
    let learner = match LEARNERS.choose(random) {
        Some(name) if random.random() => agent(name),
        _ => json!({ "mbox": format!("mailto:l{}@example.org", random.random_range(0..8_u32)) }),
    };
    let verb = ["completed", "passed", "failed", "progressed", "experienced"].choose(random);
    let verb = verb.copied().unwrap_or("experienced");
    let mut statement = statement::with(json!({
        "actor": learner,
        "verb": { "id": format!("http://adlnet.gov/expapi/verbs/{verb}") },
        "object": {
            "id": activity(random),
            "definition": { "name": { "en": format!("Name {}", random.random_range(0..9_u32)) } },
        },
        "result": result(random, verb),
    }));
    if random.random_ratio(1, 20) {
        statement["result"]["response"] = json!("x".repeat(LARGE_BYTES));
    }
    statement
}

fn result(random: &mut StdRng, verb: &str) -> Value {
    // Exact in binary, so that comparisons are.
    let scaled = f64::from(random.random_range(-8_i32..=8)) / 8.0;
    let minutes = random.random_range(0..90_u32);
    match verb {
        "completed" => json!({ "completion": true, "duration": format!("PT{minutes}M") }),
        "passed" => json!({ "success": true, "score": { "scaled": scaled } }),
        "failed" => json!({ "success": false, "score": { "scaled": scaled } }),
        "progressed" => json!({ "extensions": { PROGRESS: minutes } }),
        _ => json!({}),
    }
}
