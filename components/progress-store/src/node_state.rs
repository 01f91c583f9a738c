//! `hedgeschool:progress/node-state`: what replication knows beside the journals.

use hedgeschool_sql::Value;

use crate::bindings::Store;
use crate::bindings::exports::hedgeschool::progress::node_state::{
    Day, Guest, PeerReport, RedisProblem,
};
use crate::bindings::types::Error;
use crate::database::DATABASE;

/// Most nodes that one call answers.
const PEERS_MAX: u32 = 10_000;
/// How many places there are for days.
const PLACES: u8 = 10;

impl Guest for Store {
    async fn upstream(url: String) -> Result<Option<String>, Error> {
        find("SELECT state FROM upstream WHERE url = ?1", Value::Text(url)).await
    }

    async fn set_upstream(url: String, state: String) -> Result<(), Error> {
        let sql = "INSERT INTO upstream (only, url, state) VALUES (1, ?1, ?2)
            ON CONFLICT (only) DO UPDATE SET url = excluded.url, state = excluded.state
            WHERE (url, state) <> (excluded.url, excluded.state)";
        Ok(DATABASE.execute(sql, &[Value::Text(url), Value::Text(state)]).await?)
    }

    async fn peers() -> Result<Vec<PeerReport>, Error> {
        let sql = "SELECT node, report FROM peer_report ORDER BY node LIMIT ?1";
        let rows = DATABASE.query(sql, &[Value::from(PEERS_MAX)]).await?;
        rows.into_iter()
            .map(|mut row| Ok(PeerReport { node: row.take()?, report: row.take()? }))
            .collect()
    }

    async fn find_peer(node: String) -> Result<Option<String>, Error> {
        find("SELECT report FROM peer_report WHERE node = ?1", Value::Text(node)).await
    }

    async fn set_peer(report: PeerReport) -> Result<(), Error> {
        let sql = "INSERT INTO peer_report (node, report) VALUES (?1, ?2)
            ON CONFLICT (node) DO UPDATE SET report = excluded.report
            WHERE report <> excluded.report";
        let PeerReport { node, report } = report;
        Ok(DATABASE.execute(sql, &[Value::Text(node), Value::Text(report)]).await?)
    }

    async fn find_redis_problem() -> Result<Option<RedisProblem>, Error> {
        let row = DATABASE.query_one("SELECT at_us, problem FROM redis_problem", &[]).await?;
        let Some(mut row) = row else { return Ok(None) };
        Ok(Some(RedisProblem { at: row.take()?, problem: row.take()? }))
    }

    async fn set_redis_problem(problem: RedisProblem) -> Result<(), Error> {
        let sql = "INSERT INTO redis_problem (only, at_us, problem) VALUES (1, ?1, ?2)
            ON CONFLICT (only) DO UPDATE SET at_us = excluded.at_us, problem = excluded.problem";
        let RedisProblem { at, problem } = problem;
        Ok(DATABASE.execute(sql, &[Value::Integer(at), Value::Text(problem)]).await?)
    }

    async fn days() -> Result<Vec<Day>, Error> {
        let sql = "SELECT place, samples FROM history_day ORDER BY place";
        let rows = DATABASE.query(sql, &[]).await?;
        rows.into_iter()
            .map(|mut row| Ok(Day { place: row.take()?, samples: row.take()? }))
            .collect()
    }

    async fn find_day(place: u8) -> Result<Option<String>, Error> {
        let place = Value::Integer(place.into());
        find("SELECT samples FROM history_day WHERE place = ?1", place).await
    }

    async fn set_day(day: Day) -> Result<(), Error> {
        let Day { place, samples } = day;
        if place >= PLACES {
            return Err(Error::Invalid(format!("there are {PLACES} places for days")));
        }
        let sql = "INSERT INTO history_day (place, samples) VALUES (?1, ?2)
            ON CONFLICT (place) DO UPDATE SET samples = excluded.samples";
        let parameters = [Value::Integer(place.into()), Value::Text(samples)];
        Ok(DATABASE.execute(sql, &parameters).await?)
    }
}

/// The only text of the row that has this key.
async fn find(sql: &str, key: Value) -> Result<Option<String>, Error> {
    let row = DATABASE.query_one(sql, &[key]).await?;
    Ok(row.map(|mut row| row.take()).transpose()?)
}
