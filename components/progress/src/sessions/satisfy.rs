//! When a course and its blocks are satisfied, and saying so once (cmi5, 9.3.9).

use std::collections::{BTreeMap, BTreeSet};

use hedgeschool_cmi5::satisfaction::find_satisfied;
use hedgeschool_cmi5::session::{BlockOrCourse, Session};
use hedgeschool_cmi5::vocabulary::{SATISFIED, TYPE_BLOCK, TYPE_COURSE};
use hedgeschool_web::Problem;
use serde_json::Value;

use super::course::Course;
use super::learner;
use crate::store::types::{Filter, StoredStatement};
use crate::store::{completions, statements};

/// Statements of a page.
const PAGE: u32 = 1_000;

/// What is satisfied and was never said to be, in this registration: blocks from the inside out,
/// then the course.
pub async fn unsaid(session: &Session, course: &Course) -> Result<Vec<Value>, Problem> {
    let done = done(session, course).await?;
    let units = course.units.iter().zip(done).map(|(unit, is_done)| (unit.block, is_done));
    let parents: Vec<_> = course.blocks().iter().map(|block| block.parent).collect();
    let (blocks, is_whole) = find_satisfied(&parents, units);
    if blocks.is_empty() && !is_whole {
        return Ok(Vec::new());
    }
    let said = said(session).await?;
    let own = course.activity();
    let blocks = blocks.iter().filter_map(|position| course.blocks().get(*position));
    let blocks = blocks.map(|block| BlockOrCourse {
        activity: &block.activity,
        id: &block.id,
        title: &block.title,
        kind: TYPE_BLOCK,
    });
    let course = BlockOrCourse {
        activity: &own,
        id: &course.id,
        title: &course.title,
        kind: TYPE_COURSE,
    };
    let all = blocks.chain(is_whole.then_some(course));
    let unsaid = all.filter(|whole| !said.contains(whole.activity));
    Ok(unsaid.map(|whole| session.satisfied_statement(&whole)).collect())
}

/// Whether each unit is done.
async fn done(session: &Session, course: &Course) -> Result<Vec<bool>, Problem> {
    let activities = course.units.iter().map(|unit| unit.activity.clone()).collect();
    let reached = completions::reached(learner(session)?, activities).await?;
    let reached: BTreeMap<_, _> = reached
        .into_iter()
        .map(|reached| (reached.activity, (reached.completed, reached.passed)))
        .collect();
    let is_done = |unit: &super::course::Unit| {
        let (completed, passed) = reached.get(&unit.activity).copied().unwrap_or_default();
        unit.move_on.is_met(completed, passed)
    };
    Ok(course.units.iter().map(is_done).collect())
}

/// The activities that were said to be satisfied in the registration.
async fn said(session: &Session) -> Result<BTreeSet<String>, Problem> {
    let mut said = BTreeSet::new();
    let mut after = None;
    loop {
        let page = statements::query(filter(session, after)).await?;
        said.extend(page.statements.iter().filter_map(object));
        after = page.statements.last().map(|statement| statement.sequence);
        if !page.more || after.is_none() {
            return Ok(said);
        }
    }
}

fn filter(session: &Session, after: Option<u64>) -> Filter {
    Filter {
        agent: None,
        related_agents: false,
        verb: Some(SATISFIED.to_owned()),
        activity: None,
        related_activities: false,
        registration: Some(session.registration.clone()),
        authority: None,
        since: None,
        until: None,
        ascending: false,
        limit: PAGE,
        after,
    }
}

fn object(statement: &StoredStatement) -> Option<String> {
    let body: Value = serde_json::from_str(&statement.body).ok()?;
    body.pointer("/object/id")?.as_str().map(str::to_owned)
}
