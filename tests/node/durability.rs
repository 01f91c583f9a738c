//! Acknowledged means durable: nodes are killed at any moment.

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::storm::{Moment, Storm};
use hedgeschool_tests::{Node, audit, statement, storm};

/// How often the node is killed.
const KILLS: usize = 25;

#[test]
fn a_node_killed_at_any_moment_loses_nothing_acknowledged() -> Result<()> {
    let mut random = storm::seeded()?;
    let mut node = Node::start()?;
    let mut posted = Storm::default();
    for kill in 1..=KILLS {
        let moment = Moment::random(&mut random);
        let what = || format!("kill {kill}, {moment:?}");
        posted.add(storm::until_killed(&mut node, moment.writes, moment.pause).with_context(what)?);
        // Before the first answer there need not be a database.
        if !posted.acknowledged.is_empty() {
            posted.check(&audit::statements(node.folder())?).with_context(what)?;
        }
        node.restart().with_context(what)?;
        posted.retry(&node.xapi()).with_context(what)?;
    }
    let ids = statement::all_ids(&node.xapi())?;
    let there: HashSet<_> = ids.iter().cloned().collect();
    ensure!(there.len() == ids.len(), "a statement is there twice");
    posted.check(&there)?;
    println!("{} acknowledged statements survived {KILLS} kills", there.len());
    Ok(())
}
