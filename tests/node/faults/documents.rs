//! Documents written at random, and what must have become of each version.

use std::collections::{BTreeSet, HashSet};

use hedgeschool_tests::{Response, address};
use http::Method;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::learn::{self, LEARNERS};
use super::side::Side;

/// What is known of all versions so far.
#[derive(Default)]
pub struct Versions {
    /// Those that somebody wrote over, knowing them.
    overwritten: HashSet<String>,
}

/// Where a document is: few places, so that nodes meet in them.
fn place(random: &mut StdRng) -> String {
    let id = format!("d{}", random.random_range(0..2_u32));
    let agent = LEARNERS.choose(random).map(|name| learn::agent(name).to_string());
    let agent = agent.unwrap_or_default();
    let activity = "https://example.org/a";
    match random.random_range(0..3_u32) {
        0 => address("/xapi/activities/profile", &[("activityId", activity), ("profileId", &id)]),
        1 => address("/xapi/agents/profile", &[("agent", &agent), ("profileId", &id)]),
        _ => address(
            "/xapi/activities/state",
            &[("activityId", activity), ("agent", &agent), ("stateId", &id)],
        ),
    }
}

/// Writes or deletes a document at a node, upon the version that is there. Answers the status of
/// an answer.
pub fn change(side: &mut Side, versions: &mut Versions, random: &mut StdRng) -> Option<Response> {
    let (path, is_removal) = (place(random), random.random_ratio(1, 8));
    let value = format!("v{}", random.random::<u64>());
    let client = side.node.xapi();
    let known = client.get(&path).ok()?;
    let before = (known.status == 200).then(|| known.text());
    let client = match before {
        Some(_) => client.with_header("if-match", known.header("etag")),
        None if is_removal => return None,
        None => client.with_header("if-none-match", "*"),
    };
    // What is read here is on this disk.
    side.held.documents.extend(before.clone());
    let answer = if is_removal {
        client.delete(&path)
    } else {
        client.send(Method::PUT, &path, Some(("text/plain", value.as_bytes())))
    };
    let status = answer.as_ref().map_or(0, |answer| answer.status.as_u16());
    // Another version may have arrived in between, or the disk be full: then nothing was changed.
    // Without an answer nobody knows.
    if !matches!(status, 400..500 | 507) {
        versions.overwritten.extend(before);
    }
    if status == 204 && !is_removal {
        side.held.documents.insert(value);
    }
    answer.ok()
}

impl Versions {
    /// Versions that were acknowledged, are on a disk that nobody lost, and yet are nowhere:
    /// neither standing, nor written over knowingly, nor listed as what lost a conflict.
    pub fn vanished<'a>(
        &self,
        held: impl Iterator<Item = &'a String>,
        standing: &HashSet<String>,
        lost: &HashSet<String>,
    ) -> BTreeSet<&'a String> {
        let is_there = |value: &&String| {
            standing.contains(*value) || self.overwritten.contains(*value) || lost.contains(*value)
        };
        held.filter(|value| !is_there(value)).collect()
    }
}
