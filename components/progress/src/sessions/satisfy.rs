//! When a course and its blocks are satisfied, and saying so once (cmi5, 9.3.9).

use std::collections::{BTreeMap, BTreeSet};

use hedgeschool_cmi5::satisfaction::find_satisfied;
use hedgeschool_cmi5::session::{BlockOrCourse, Session};
use hedgeschool_cmi5::vocabulary::{SATISFIED, TYPE_BLOCK, TYPE_COURSE};
use hedgeschool_web::Problem;
use hedgeschool_xapi::Json;
use serde_json::Value;

use super::course::{Course, Unit};
use super::state::learner_of;
use crate::store::types::{Completion, Filter, StoredStatement};
use crate::store::{completions, match_all, statements};

/// Statements of a page.
const PAGE_STATEMENTS: u32 = 1_000;

/// What is satisfied and was never said to be, in this registration: blocks from the inside out,
/// then the course.
///
/// # Errors
/// The store failed.
pub async fn find_unsaid(session: &Session, course: &Course) -> Result<Vec<Value>, Problem> {
    let activities = course.units.iter().map(|unit| unit.activity.clone()).collect();
    let reached = completions::reached(learner_of(session)?, activities).await?;
    let own = course.activity_id();
    let wholes = satisfied_wholes(course, &own, &units_done(&course.units, reached));
    if wholes.is_empty() {
        return Ok(Vec::new());
    }
    let said = find_said(session).await?;
    let unsaid = wholes.into_iter().filter(|whole| !said.contains(whole.activity));
    Ok(unsaid.map(|whole| session.satisfied_statement(&whole)).collect())
}

/// The blocks that are satisfied, from the inside out, and the course, whose activity is `own`, if
/// it is. `done`: whether each unit is.
fn satisfied_wholes<'a>(course: &'a Course, own: &'a str, done: &[bool]) -> Vec<BlockOrCourse<'a>> {
    let units = course.units.iter().zip(done).map(|(unit, is_done)| (unit.block, *is_done));
    let parents: Vec<_> = course.blocks().iter().map(|block| block.parent).collect();
    let (blocks, is_whole) = find_satisfied(&parents, units);
    let blocks = blocks.iter().filter_map(|position| course.blocks().get(*position));
    let blocks = blocks.map(|block| BlockOrCourse {
        activity: &block.activity,
        id: &block.id,
        title: &block.title,
        kind: TYPE_BLOCK,
    });
    let whole =
        BlockOrCourse { activity: own, id: &course.id, title: &course.title, kind: TYPE_COURSE };
    blocks.chain(is_whole.then_some(whole)).collect()
}

/// Whether each unit is done, by what a learner has reached in them.
fn units_done(units: &[Unit], reached: Vec<Completion>) -> Vec<bool> {
    let reached: BTreeMap<_, _> = reached
        .into_iter()
        .map(|reached| (reached.activity, (reached.completed, reached.passed)))
        .collect();
    let is_done = |unit: &Unit| {
        let (completed, passed) = reached.get(&unit.activity).copied().unwrap_or_default();
        unit.move_on.is_met(completed, passed)
    };
    units.iter().map(is_done).collect()
}

/// The activities that were said to be satisfied in the registration.
async fn find_said(session: &Session) -> Result<BTreeSet<String>, Problem> {
    let mut said = BTreeSet::new();
    let mut after = None;
    loop {
        let page = statements::query(satisfied_in(session, after)).await?;
        said.extend(page.statements.iter().filter_map(object_of));
        after = page.statements.last().map(|statement| statement.sequence);
        if !page.more || after.is_none() {
            return Ok(said);
        }
    }
}

fn satisfied_in(session: &Session, after: Option<u64>) -> Filter {
    Filter {
        verb: Some(SATISFIED.to_owned()),
        registration: Some(session.registration.clone()),
        after,
        ..match_all(PAGE_STATEMENTS)
    }
}

/// The id of what a statement is about.
fn object_of(statement: &StoredStatement) -> Option<String> {
    let body = Json::parse(&statement.body).ok()?;
    body.find(&["object", "id"])?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn unit(activity: &str, block: Option<usize>) -> Value {
        json!({ "activity": activity, "move_on": "Completed", "block": block })
    }

    fn block(id: &str, parent: Option<usize>) -> Value {
        json!({ "id": id, "activity": format!("{id}:a"), "title": id, "parent": parent })
    }

    /// A unit in a block within a block, and one beside them.
    fn course() -> Course {
        let course = json!({
            "id": "urn:c", "title": "C",
            "units": [unit("urn:1", Some(1)), unit("urn:2", None)],
            "blocks": [block("urn:outer", None), block("urn:inner", Some(0))],
        });
        serde_json::from_value(course).unwrap()
    }

    fn completed(activity: &str, passed: bool) -> Completion {
        Completion {
            activity: activity.into(),
            completed: !passed,
            passed,
            score: None,
            progress: None,
            duration: 0,
            statements: 1,
            updated: 0,
        }
    }

    #[test]
    fn blocks_are_satisfied_from_the_inside_out_and_then_the_course() {
        let course = course();
        let wholes = |done: &[bool]| -> Vec<_> {
            satisfied_wholes(&course, "own", done).iter().map(|whole| whole.activity).collect()
        };
        assert_eq!(wholes(&[true, true]), ["urn:inner:a", "urn:outer:a", "own"]);
        assert_eq!(wholes(&[true, false]), ["urn:inner:a", "urn:outer:a"]);
        assert!(wholes(&[false, true]).is_empty());
    }

    #[test]
    fn a_unit_is_done_by_what_it_asks_for() {
        let units = course().units;
        let reached = vec![completed("urn:2", false), completed("urn:1", true)];
        assert_eq!(units_done(&units, reached), [false, true]);
    }

    #[test]
    fn a_statement_tells_what_it_is_about() {
        let about = |body: &str| {
            let (stored, body) = (String::new(), body.to_owned());
            object_of(&StoredStatement { sequence: 1, stored, body })
        };
        assert_eq!(about(r#"{"object":{"id":"urn:a"}}"#).as_deref(), Some("urn:a"));
        assert_eq!(about(r#"{"object":{}}"#), None);
    }
}
