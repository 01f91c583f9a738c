//! `X-Experience-API-Consistent-Through`: the moment up to which a reader misses nothing (xAPI
//! 1.0.3, part three, 2.1.3).

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Node, Response, address, in_parallel, statement};
use serde_json::{Value, json};

use super::{STATEMENTS, VERSIONS};

/// A moment in UTC in a form whose order is that of time.
fn moment(text: &str) -> Result<String> {
    let (second, fraction) = text
        .strip_suffix('Z')
        .and_then(|text| text.split_once('.'))
        .with_context(|| format!("{text:?} is no moment in UTC"))?;
    ensure!(second.len() == 19 && fraction.len() <= 6, "{text}");
    Ok(format!("{second}.{fraction:0<6}"))
}

fn through(response: &Response) -> Result<String> {
    moment(response.header("x-experience-api-consistent-through"))
}

fn stored(statement: &Value) -> Result<String> {
    moment(statement["stored"].as_str().context("no stored")?)
}

#[test]
fn every_answer_of_the_statements_resource_says_it() -> Result<()> {
    let node = Node::start()?;
    for version in VERSIONS {
        let (client, id) = (node.speaking(version), statement::new_id());
        let mut other = statement::experienced(&id);
        other["verb"] = json!({ "id": "https://example.org/other" });
        let answers = [
            client.post(STATEMENTS, &statement::experienced(&id))?.expect(200)?,
            client.put(&statement::one(&id), &statement::experienced(&id))?.expect(204)?,
            client.get(&statement::one(&id))?.expect(200)?,
            client.get(STATEMENTS)?.expect(200)?,
            client.head(STATEMENTS)?.expect(200)?,
            client.get(&statement::one(&statement::new_id()))?.expect(404)?,
            client.get(&statement::one("42"))?.expect(400)?,
            client.post(STATEMENTS, &json!([{}]))?.expect(400)?,
            client.post(STATEMENTS, &other)?.expect(409)?,
            client.delete(STATEMENTS)?.expect(405)?,
            node.anonymous().get(STATEMENTS)?.expect(400)?,
            node.anonymous()
                .with_header("x-experience-api-version", version)
                .get(STATEMENTS)?
                .expect(401)?,
        ];
        for answer in answers {
            through(&answer).with_context(|| format!("{answer:?}"))?;
        }
    }
    Ok(())
}

#[test]
fn it_reaches_what_was_recorded_before() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    for _ in 0..20 {
        let id = statement::new_id();
        statement::post(&client, &id)?;
        let answer = client.get(&statement::one(&id))?.expect(200)?;
        let stored = stored(&answer.json()?)?;
        ensure!(through(&answer)? >= stored, "{answer:?} was stored at {stored}");
    }
    Ok(())
}

#[test]
fn it_never_goes_back_for_a_reader_not_even_by_a_kill() -> Result<()> {
    let mut node = Node::start()?;
    let client = node.xapi();
    let mut last = String::new();
    for round in 0..4 {
        in_parallel(4, &|_| statement::post(&client, &statement::new_id()))?;
        for path in [STATEMENTS, "/xapi/statements?limit=1", "/xapi/statements?statementId=42"] {
            let now = through(&client.get(path)?)?;
            ensure!(now >= last, "{now} after {last}");
            last = now;
        }
        if round % 2 == 1 {
            node.kill()?;
            node.restart()?;
        }
    }
    Ok(())
}

/// What a reader saw at once: a moment, and how many statements there were.
type Seen = (String, usize);

/// Looks at all statements for as long as others record.
fn watch(client: &Client, recording: &AtomicBool) -> Result<Vec<Seen>> {
    let mut seen = Vec::new();
    while recording.load(Ordering::Relaxed) {
        let answer = client.get(&address(STATEMENTS, &[("limit", "1000")]))?.expect(200)?;
        seen.push((through(&answer)?, statement::ids(&answer.json()?)?.len()));
    }
    Ok(seen)
}

#[test]
fn what_was_stored_up_to_it_was_seen_while_others_recorded() -> Result<()> {
    const WRITERS: usize = 4;
    const STATEMENTS_EACH: usize = 60;
    let node = Node::start()?;
    let (client, recording) = (node.xapi(), AtomicBool::new(true));
    let seen = std::thread::scope(|scope| {
        let reader = scope.spawn(|| watch(&client, &recording));
        let write = |_| (0..STATEMENTS_EACH).try_for_each(|_| post(&client));
        let written = in_parallel(WRITERS, &write);
        recording.store(false, Ordering::Relaxed);
        written?;
        reader.join().ok().context("the reader panicked")?
    })?;
    let all = client.get(&address(STATEMENTS, &[("limit", "1000")]))?.expect(200)?.json()?;
    let all = all["statements"].as_array().context("no statements")?;
    let moments: Vec<_> = all.iter().map(stored).collect::<Result<_>>()?;
    ensure!(moments.len() == WRITERS * STATEMENTS_EACH && seen.len() > 2, "{} looks", seen.len());
    for (through, count) in seen {
        let due = moments.iter().filter(|moment| **moment <= through).count();
        ensure!(count >= due, "{count} seen, but {due} were stored up to {through}");
    }
    Ok(())
}

fn post(client: &Client) -> Result<()> {
    statement::post(client, &statement::new_id())
}
