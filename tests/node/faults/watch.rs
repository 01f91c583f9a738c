//! What must hold of a node at every moment.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::audit;
use rusqlite::Connection;

use super::side::Side;

/// What was seen of a node before.
#[derive(Default)]
pub struct Watch {
    completions: HashMap<(String, String), Completion>,
    /// A moment up to which everything was said to be there, and the last statement that was.
    consistent: Option<(i64, i64)>,
}

/// Completed, passed, score, progress, time, statements, latest.
type Completion = (i64, i64, Option<f64>, Option<i64>, i64, i64, i64);

/// Looks at a node that runs. Who does not answer is not looked at.
pub fn look(side: &mut Side) -> Result<()> {
    let Ok(page) = side.node.xapi().get("/xapi/statements?limit=1") else { return Ok(()) };
    let through = page.header("x-experience-api-consistent-through").to_owned();
    let database = audit::open(side.node.folder(), "progress")?;
    completions(&database, &mut side.watch).context(side.name)?;
    if page.status == 200 {
        consistency(&database, &through, &mut side.watch).context(side.name)?;
    }
    Ok(())
}

/// What a learner has reached is never taken back.
fn completions(database: &Connection, watch: &mut Watch) -> Result<()> {
    let sql = "SELECT agent, activity, completed, passed, score, progress, duration_ms,
        statements, updated_ms
        FROM completion";
    let mut query = database.prepare(sql)?;
    let mut rows = query.query(())?;
    let mut found = HashMap::new();
    while let Some(row) = rows.next()? {
        let value = (
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
            row.get(5)?,
            row.get(6)?,
            row.get(7)?,
            row.get(8)?,
        );
        found.insert((row.get(0)?, row.get(1)?), value);
    }
    for (key, before) in &watch.completions {
        let now: &Completion = found.get(key).with_context(|| format!("{key:?} is gone"))?;
        let grows = now.0 >= before.0
            && now.1 >= before.1
            && now.2 >= before.2
            && now.3 >= before.3
            && now.4 >= before.4
            && now.5 >= before.5
            && now.6 >= before.6;
        ensure!(grows, "the completion of {key:?} was {before:?} and is {now:?}");
    }
    watch.completions = found;
    Ok(())
}

/// Nothing is stored at or before a moment up to which everything was said to be there.
fn consistency(database: &Connection, through: &str, watch: &mut Watch) -> Result<()> {
    if let Some((moment, last)) = watch.consistent {
        let sql = "SELECT count(*) FROM statement WHERE sequence > ?1 AND stored_us <= ?2";
        let late: i64 = database.query_row(sql, (last, moment), |row| row.get(0))?;
        ensure!(
            late == 0,
            "{late} statements were stored at or before {moment}, consistent through it"
        );
    }
    let sql = "SELECT coalesce(max(sequence), 0) FROM statement";
    let last = database.query_row(sql, (), |row| row.get(0))?;
    watch.consistent = Some((microseconds(database, through)?, last));
    Ok(())
}

fn microseconds(database: &Connection, timestamp: &str) -> Result<i64> {
    let (seconds, rest) = timestamp.split_once('.').context("a timestamp without a fraction")?;
    let fraction: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let seconds: i64 = database.query_row("SELECT unixepoch(?1)", [seconds], |row| row.get(0))?;
    Ok(seconds * 1_000_000 + format!("{fraction:0<6}").parse::<i64>()?)
}
