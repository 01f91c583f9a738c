//! One statement by its id (xAPI 1.0.3, part three, 2.1.3).

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Node, address, statement};
use serde_json::{Value, json};

use super::{STATEMENTS, VERSIONS};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment as HTTP writes it, but for the day of the week.
fn http_date(moment: &str) -> Result<String> {
    let field = |range: std::ops::Range<usize>| moment.get(range).context("no RFC 3339");
    let month: usize = field(5..7)?.parse()?;
    let month = month.checked_sub(1).and_then(|month| MONTHS.get(month)).context("no month")?;
    Ok(format!("{} {month} {} {} GMT", field(8..10)?, field(0..4)?, field(11..19)?))
}

#[test]
fn it_is_read_by_its_id_in_either_case() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let (lower, upper) = (statement::new_id(), statement::new_id().to_uppercase());
    statement::post(&client, &lower)?;
    let answered = statement::store(&client, &statement::experienced(&upper))?;
    assert_eq!(answered, [upper.to_lowercase()]);
    for id in [lower, upper] {
        for asked in [id.to_lowercase(), id.to_uppercase()] {
            assert_eq!(statement::read(&client, &asked)?["id"], json!(id.to_lowercase()));
        }
    }
    Ok(())
}

#[test]
fn it_has_what_the_node_adds_and_all_that_was_sent() -> Result<()> {
    let node = Node::start()?;
    for (version, own) in VERSIONS.into_iter().zip(["1.0.0", "2.0.0"]) {
        let client = node.speaking(version);
        let sent = statement::with(json!({
            "stored": "2001-01-01T00:00:00Z",
            "authority": { "mbox": "mailto:eve@example.org" },
            "result": { "response": "näch\u{2028}ste", "score": { "raw": 7 } },
        }));
        let id = statement::store(&client, &sent)?.remove(0);
        let read = statement::read(&client, &id)?;
        for kept in ["id", "actor", "verb", "object", "result"] {
            assert_eq!(read[kept], sent[kept], "{kept}");
        }
        assert_eq!(read["version"], own);
        ensure!(read["authority"]["account"]["name"] == "client:test", "{read}");
        let stored = read["stored"].as_str().context("no stored")?;
        ensure!(stored > "2026" && stored.ends_with('Z'), "stored {stored}");
        let to_millisecond = |moment: &Value| moment.as_str()?.get(..23).map(str::to_owned);
        let [made, stored] = ["timestamp", "stored"].map(|name| to_millisecond(&read[name]));
        ensure!(made.is_some() && made <= stored, "{read}");
    }
    Ok(())
}

#[test]
fn it_was_last_modified_when_it_was_stored() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let id = statement::new_id();
    statement::post(&client, &id)?;
    let answer = client.get(&statement::one(&id))?.expect(200)?;
    let read = answer.json()?;
    let expected = http_date(read["stored"].as_str().context("no stored")?)?;
    let modified = answer.header("last-modified");
    ensure!(modified.ends_with(&format!(", {expected}")), "{modified}, stored {expected}");
    assert_eq!(answer.header("content-type"), "application/json");
    Ok(())
}

#[test]
fn an_id_that_nothing_has_is_not_found() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    statement::post(&client, &statement::new_id())?;
    let unknown = statement::new_id();
    for name in ["statementId", "voidedStatementId"] {
        let answer = client.get(&address(STATEMENTS, &[(name, &unknown)]))?.expect(404)?;
        ensure!(answer.detail()?.contains(&unknown), "{answer:?}");
    }
    Ok(())
}
