//! A node keeps figures of its last week, and its page draws them.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use hedgeschool_history::{DAYS, Day, Disk, Host, PERIOD_S, Requests, Sample, place};
use hedgeschool_tests::{Node, eventually, is_own_host};
use rusqlite::Connection;
use serde_json::json;

use crate::node_page::{admin, page, words};
use crate::tree::soon;

/// Where the days are kept, and under which names.
const DATABASE: &str = "progress.db";

fn now() -> Result<i64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().cast_signed())
}

fn database(node: &Node) -> Result<Connection> {
    Ok(Connection::open(node.folder().join(DATABASE))?)
}

/// How many days a node keeps.
fn days(node: &Node) -> Result<i64> {
    let sql = "SELECT count(*) FROM history_day";
    Ok(database(node)?.query_row(sql, (), |row| row.get(0))?)
}

/// What a node has kept of a moment.
fn sample(at: i64) -> Sample {
    let of_day = at.rem_euclid(86_400) as u64;
    let answered = if (28_800..57_600).contains(&of_day) { 6_000 } else { 60 };
    let requests = Requests { seconds: 600, answered, failed: 6, p99_s: Some(0.012) };
    let disk = Some(Disk { free: 40_000_000_000 - of_day, size: 64_000_000_000 });
    Sample {
        at,
        host: Some(Host { requests: Some(requests), disk }),
        recorded: at.unsigned_abs() / 6,
        unsynced: Some(of_day / 100),
        stored: 9_000_000_000 + of_day,
    }
}

/// A day of such samples, in each period of a span of time.
fn kept(from: i64, until: i64) -> Day {
    let mut day = Day::default();
    for at in (from..until).step_by(PERIOD_S as usize) {
        day.record(sample(at));
    }
    day
}

/// Puts a week into what a stopped node keeps, and a day of a year ago.
fn keep_a_week(node: &Node) -> Result<()> {
    let now = now()?;
    let today = now - now.rem_euclid(86_400);
    let sql = "INSERT INTO history_day (place, samples) VALUES (?1, ?2)
        ON CONFLICT (place) DO UPDATE SET samples = excluded.samples";
    for ago in 0..DAYS {
        let begins = today - ago * 86_400;
        let day = match ago {
            7 => kept(begins - 365 * 86_400, begins - 364 * 86_400),
            _ => kept(begins, (begins + 86_400).min(now)),
        };
        database(node)?.execute(sql, (place(begins), serde_json::to_string(&day)?))?;
    }
    Ok(())
}

#[test]
fn a_node_draws_the_week_that_it_has_kept() -> Result<()> {
    let mut node = Node::start()?;
    // What asks all stores makes the databases, where nothing ticks.
    node.admin().get("/sync/v1/status")?.expect(200)?;
    node.terminate()?;
    keep_a_week(&node)?;
    node.restart()?;
    let shown = page(&admin(&node)?, "")?;
    ensure!(shown.matches("<figure").count() == 5, "{shown}");
    ensure!(shown.matches("class=\"grid\" d=\"M").count() >= 5 * 7, "{shown}");
    let said = words(&shown);
    for words in ["10 a second at most", "12 ms at most", "The last week", "9.0 GB at most"] {
        ensure!(said.contains(words), "not {words:?}: {said}");
    }
    // The page is for thin cables.
    let bytes = shown.len();
    ensure!(bytes < 40_000, "{bytes} bytes");
    Ok(())
}

#[test]
fn whoever_ticks_a_node_has_a_sample_taken_but_one_in_ten_minutes() -> Result<()> {
    let node = Node::start()?;
    for _ in 0..3 {
        node.xapi().post("/sync/v1/tick", &json!({}))?.expect(200)?;
    }
    let text: String = eventually("a day is kept", || {
        let sql = "SELECT samples FROM history_day";
        Ok(database(&node)?.query_row(sql, (), |row| row.get(0)).ok())
    })?;
    let day: Day = serde_json::from_str(&text)?;
    // Two, if the ten minutes ended just now.
    ensure!((1..=2).contains(&day.samples.len()) && days(&node)? <= 2, "{text}");
    let admin = admin(&node)?;
    soon("what the host knows is there, or said to be missing", || {
        let said = words(&page(&admin, "")?);
        let is_missed = said.contains("where hedge is the host");
        Ok(said.contains("Disk: what is kept") && is_missed != is_own_host())
    })
}
