//! What a node knows of itself: the rules of the *Node* page, and of `hedge doctor` where a node
//! runs.
//!
//! **A node without a line is not ill.** It teaches and records, and sends what it has when the
//! line is back: that is worth knowing at once, and wrong only after days. Limits are those of the
//! alerts (`k3s/monitoring/rules`).

use crate::status::{Above, Below, Redis, Status, Storage};
use crate::words::{number, span};
use crate::{Check, Finding, clock};

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;
/// Without a word from the node above for longer than this, somebody has to look.
const SILENCE_MAX_S: i64 = 3 * DAY_S;
/// A change that waits for longer than this although the line is there.
const BACKLOG_MAX_S: u64 = DAY_S as u64;
/// Of what the stores may take, in percent.
const STORAGE_FULL: u64 = 97;
const STORAGE_NEAR: u64 = 85;
/// Batches in Redis.
const REDIS_QUEUE_MAX: u64 = 100;
/// Who is silent for longer was taken away.
const GONE_S: i64 = 60 * DAY_S;
/// So many silent nodes, and more than half, are not to blame themselves.
const SILENT_TOGETHER_MIN: usize = 5;

/// What is not as it should be, the worse first.
pub fn findings(status: &Status) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    if let Some(above) = &status.upstream {
        found.extend(judge_name(status, above));
        found.extend(judge_replication(above));
        found.extend(clock::against_upstream(above.skew_seconds));
        found.extend(judge_backlog(above));
        found.extend(judge_upgrade(above));
        found.extend(judge_courses_underway(status, above));
    }
    found.extend(status.storage.as_ref().and_then(judge_storage));
    found.extend(status.storage.as_ref().and_then(judge_given_up));
    found.extend(judge_conflicts(status.conflicts));
    found.extend(status.redis.as_ref().and_then(judge_redis));
    found.extend(judge_below(&status.nodes));
    found.sort_by_key(|finding| (finding.severity, finding.check));
    found
}

/// The checks that [`findings`] makes.
pub const CHECKS: [Check; 8] = [
    Check::Clock,
    Check::Replication,
    Check::Backlog,
    Check::Upgrade,
    Check::Storage,
    Check::Conflicts,
    Check::Courses,
    Check::Below,
];

fn judge_name(status: &Status, above: &Above) -> Option<Finding> {
    (above.node == status.node).then(|| {
        Finding::wrong(
            Check::Variables,
            format!("This node and the node above are both called {:?}.", status.node),
            "Give this one a name of its own (node_id): without it, nobody can tell whose a \
             change is.",
        )
    })
}

fn judge_replication(above: &Above) -> Option<Finding> {
    let problem = above.problem.as_deref()?;
    let advice = above.advice.as_deref().unwrap_or("Look at the log of this node and of that one.");
    if above.is_refused {
        let what = "The node above turns this node away. Lessons go on, and what is recorded is \
                    kept here.";
        return Some(Finding::wrong(Check::Replication, what, advice).with_detail(problem));
    }
    let failing_s = above.seconds_failing.unwrap_or(0);
    let since = match above.seconds_since_contact {
        Some(_) => format!("for {}", span(failing_s)),
        None => format!("yet, and it has tried for {}", span(failing_s)),
    };
    let waits = match above.queue {
        0 => "nothing waits to be sent".to_owned(),
        1 => "1 change waits here to be sent".to_owned(),
        many => format!("{} changes wait here to be sent", number(many)),
    };
    let what = format!(
        "This node has not got through to the node above {since}. Lessons go on; {waits}, and \
         nothing is lost."
    );
    let is_long = above.seconds_since_contact.unwrap_or(failing_s) > SILENCE_MAX_S;
    let found = match is_long {
        true => Finding::wrong(Check::Replication, what, advice),
        false => Finding::warning(Check::Replication, what, advice),
    };
    Some(found.with_detail(problem))
}

fn judge_backlog(above: &Above) -> Option<Finding> {
    let waits = above.queue > 0 && above.queue_age_seconds > BACKLOG_MAX_S;
    (waits && above.problem.is_none()).then(|| {
        Finding::wrong(
            Check::Backlog,
            format!(
                "The line is there, and yet {} changes wait to be sent, the oldest for {}.",
                number(above.queue),
                span(above.queue_age_seconds)
            ),
            "Look again in an hour. If they become fewer, all is well; if not, the line carries \
             less than is recorded here: leave it to the node for some hours, at night for \
             example.",
        )
    })
}

fn judge_upgrade(above: &Above) -> Option<Finding> {
    if !above.is_older {
        return None;
    }
    let waits = if above.waits_for_upgrade.is_empty() {
        "Nothing waits for that: what is recorded here goes up as before.".to_owned()
    } else {
        format!("What it does not know waits here until it is upgraded: {}.", above.withheld())
    };
    let what = format!("The node above is of an earlier release. {waits}");
    let advice =
        "Nothing is to be done here. Whoever looks after the node above should upgrade it.";
    Some(Finding::warning(Check::Upgrade, what, advice))
}

fn judge_courses_underway(status: &Status, above: &Above) -> Option<Finding> {
    let count = status.arriving.len();
    (count > 0 && above.problem.is_some()).then(|| {
        let what = match count {
            1 => "A course is only half here, and the line is down.".to_owned(),
            many => format!("{many} courses are only half here, and the line is down."),
        };
        let advice = "They can be used as soon as they are whole. What has come is kept, and the \
                      rest follows when the line is back.";
        Finding::warning(Check::Courses, what, advice)
    })
}

fn judge_storage(storage: &Storage) -> Option<Finding> {
    let percent = storage.percent()?;
    let what = format!("What may be stored here is used up to {percent} %: {}.", storage.text());
    if percent >= STORAGE_FULL {
        return Some(Finding::wrong(
            Check::Storage,
            format!("{what} Soon, or already, new work of learners is refused."),
            "Make room now: let the node use more of the disk (storage_limit), or take back \
             courses that nobody needs. Nothing that was recorded is lost.",
        ));
    }
    (percent > STORAGE_NEAR).then(|| {
        let advice = "Let the node use more of the disk (storage_limit) if there is more, or take \
                      back courses that nobody needs.";
        Finding::warning(Check::Storage, what, advice)
    })
}

fn judge_given_up(storage: &Storage) -> Option<Finding> {
    let titles: Vec<_> = storage.given_up.iter().map(|course| course.title.as_str()).collect();
    (!titles.is_empty()).then(|| {
        Finding::warning(
            Check::Courses,
            format!("To make room, the files of courses were given up: {}.", titles.join(", ")),
            "They stay listed, and come again from the node above when there is room. Let the node \
             use more of the disk (storage_limit), or take back other courses.",
        )
    })
}

fn judge_conflicts(count: u64) -> Option<Finding> {
    (count > 0).then(|| {
        let what = match count {
            1 => "Something was changed in two places at once, and nobody has said which counts."
                .to_owned(),
            many => format!(
                "{} things were changed in two places at once, and nobody has said which counts.",
                number(many)
            ),
        };
        let advice = "The later change stands, the other one is kept. Look at both on the \
                      Conflicts page and settle them. There is no hurry.";
        Finding::warning(Check::Conflicts, what, advice)
    })
}

fn judge_redis(redis: &Redis) -> Option<Finding> {
    let waiting = match (&redis.problem, redis.queue) {
        (Some(problem), _) => return Some(redis_is_down(problem)),
        (None, waiting) => waiting.unwrap_or(0),
    };
    (waiting > REDIS_QUEUE_MAX).then(|| {
        let what = format!("{} batches of other nodes wait to be stored.", number(waiting));
        let advice = "After an outage that is as it should be, and over in some minutes. If not, \
                      the disk is too slow: look what else uses it.";
        Finding::warning(Check::Redis, what, advice)
    })
}

/// Redis is set, and of no help.
pub fn redis_is_down(problem: &str) -> Finding {
    Finding::warning(
        Check::Redis,
        "Redis does not answer. The node goes on without it, and is slower.",
        "Start Redis again; nothing in it has to be kept. A small node needs none: then leave \
         redis_url empty.",
    )
    .with_detail(problem)
}

fn judge_below(nodes: &[Below]) -> Vec<Finding> {
    let known = nodes.iter().filter(|node| node.seconds_since_contact < GONE_S);
    let silent = |longer_than_s| {
        let is_silent = move |node: &&Below| node.seconds_since_contact > longer_than_s;
        known.clone().filter(is_silent).map(|node| node.node.as_str()).collect::<Vec<_>>()
    };
    let for_an_hour = silent(HOUR_S);
    if for_an_hour.len() >= SILENT_TOGETHER_MIN && for_an_hour.len() * 2 > known.clone().count() {
        return vec![Finding::wrong(
            Check::Below,
            format!("{} nodes below have not been heard for an hour.", for_an_hour.len()),
            "So many at once are rarely to blame themselves: look at the way to this node from \
             outside, its name, its certificate, the firewall. They come back by themselves.",
        )];
    }
    let is_skewed = |node: &&Below| {
        node.skew_seconds.abs() > clock::SKEW_MAX_S && node.seconds_since_contact < HOUR_S
    };
    let skewed = known.clone().filter(is_skewed);
    let skewed: Vec<_> = skewed.map(|node| node.node.as_str()).collect();
    let full = known.clone().filter(|node| {
        node.storage.as_ref().and_then(Storage::percent).is_some_and(|it| it >= STORAGE_FULL)
    });
    let full: Vec<_> = full.map(|node| node.node.as_str()).collect();
    let told = [
        (
            silent(SILENCE_MAX_S),
            "Not heard for three days",
            "Ask there whether the line is down, or the box switched off: then all is well.",
        ),
        (full, "Hardly any room left", "Make room there, before new work of learners is refused."),
        (skewed, "The clock is wrong", "Have it set there."),
    ];
    let told = told.into_iter().filter(|(names, ..)| !names.is_empty());
    told.map(|(names, what, advice)| {
        Finding::warning(Check::Below, format!("{what}: {}.", some_of(&names)), advice)
    })
    .collect()
}

/// Some names, and how many more there are.
fn some_of(names: &[&str]) -> String {
    const SHOWN: usize = 5;
    let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A node in order, with one above and one below, and what is different.
    fn status(path: &str, value: Value) -> Status {
        let mut status = json!({
            "node": "here", "version": "1", "conflicts": 0, "arriving": [],
            "storage": { "used_bytes": 10, "limit_bytes": 100 },
            "redis": { "queue": 3, "problem": null },
            "upstream": { "url": "https://hub", "node": "hub", "seconds_since_contact": 3,
                "seconds_failing": null, "skew_seconds": 1.0, "is_skewed": false, "problem": null,
                "advice": null, "queue": 7, "queue_age_seconds": 9, "version": "1",
                "is_older": false, "waits_for_upgrade": [] },
            "nodes": [{ "node": "below", "serves": 0, "seconds_since_contact": 4,
                "is_silent": false, "skew_seconds": 0.0, "is_skewed": false, "queue": 0,
                "queue_age_seconds": 0, "conflicts": 0, "version": "1",
                "waits_for_upgrade": [] }],
        });
        if let Some(place) = status.pointer_mut(path) {
            match (place.as_object_mut(), value) {
                (Some(fields), Value::Object(new)) => fields.extend(new),
                (_, value) => *place = value,
            }
        }
        serde_json::from_value(status).unwrap()
    }

    fn found(path: &str, value: Value) -> Vec<(Check, bool)> {
        let found = findings(&status(path, value));
        found.iter().map(|finding| (finding.check, finding.is_wrong())).collect()
    }

    #[test]
    fn a_node_in_order_has_no_findings() {
        assert_eq!(found("/nothing", json!({})), []);
        let alone = findings(&status("/upstream", json!(null)));
        assert_eq!(alone, []);
    }

    #[test]
    fn each_fault_is_found_and_nothing_else() {
        let cut = |since: Value, failing: i64| {
            json!({ "problem": "no route", "advice": "Wait.", "seconds_since_contact": since,
                "seconds_failing": failing })
        };
        let wrong = |check| vec![(check, true)];
        let warning = |check| vec![(check, false)];
        let up = "/upstream";
        assert_eq!(found(up, cut(json!(60), 60)), warning(Check::Replication));
        assert_eq!(found(up, cut(json!(4 * DAY_S), 60)), wrong(Check::Replication));
        assert_eq!(found(up, cut(json!(null), 4 * DAY_S)), wrong(Check::Replication));
        let refused = json!({ "problem": "401", "is_refused": true, "seconds_failing": 1 });
        assert_eq!(found(up, refused), wrong(Check::Replication));
        assert_eq!(found(up, json!({ "node": "here" })), wrong(Check::Variables));
        assert_eq!(found(up, json!({ "skew_seconds": 31.0 })), wrong(Check::Clock));
        assert_eq!(found(up, json!({ "queue_age_seconds": 100_000 })), wrong(Check::Backlog));
        assert_eq!(found(up, json!({ "is_older": true })), warning(Check::Upgrade));
        assert_eq!(found("/conflicts", json!(2)), warning(Check::Conflicts));
        assert_eq!(found("/storage", json!({ "used_bytes": 97 })), wrong(Check::Storage));
        assert_eq!(found("/storage", json!({ "used_bytes": 86 })), warning(Check::Storage));
        let given_up = json!({ "given_up": [{ "title": "Old" }] });
        assert_eq!(found("/storage", given_up), warning(Check::Courses));
        assert_eq!(found("/redis", json!({ "problem": "refused" })), warning(Check::Redis));
        assert_eq!(found("/redis", json!({ "queue": 101 })), warning(Check::Redis));
        let below = "/nodes/0";
        let silent = json!({ "seconds_since_contact": 4 * DAY_S });
        assert_eq!(found(below, silent), warning(Check::Below));
        assert_eq!(found(below, json!({ "seconds_since_contact": GONE_S })), []);
        assert_eq!(found(below, json!({ "skew_seconds": 31.0 })), warning(Check::Below));
        let full = json!({ "storage": { "used_bytes": 99, "limit_bytes": 100 } });
        assert_eq!(found(below, full), warning(Check::Below));
    }

    #[test]
    fn a_cut_line_tells_what_waits_and_that_nothing_is_lost() {
        let cut = json!({ "problem": "no route", "seconds_failing": 7_200, "queue": 1_234 });
        let what = &findings(&status("/upstream", cut))[0].what;
        let expected = "This node has not got through to the node above for 2 h. Lessons go on; \
                        1,234 changes wait here to be sent, and nothing is lost.";
        assert_eq!(what, expected);
    }

    #[test]
    fn many_silent_nodes_are_one_finding() {
        let node = |number: i64| {
            let mut status = status("/nodes/0", json!({ "seconds_since_contact": 5_000 }));
            let mut node = status.nodes.remove(0);
            node.node = format!("edge-{number}");
            node
        };
        let nodes: Vec<_> = (0..7).map(node).collect();
        let found = judge_below(&nodes);
        assert!(found.len() == 1 && found[0].is_wrong(), "{found:?}");
        assert_eq!(judge_below(&nodes[..4]), []);
        assert_eq!(some_of(&["a", "b", "c", "d", "e", "f"]), "a, b, c, d, e and 1 more");
    }
}
