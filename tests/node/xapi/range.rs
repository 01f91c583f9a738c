//! Statements by when they were stored, how many, and in which order (xAPI 1.0.3, part three,
//! 2.1.3).

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Node, address, statement};
use serde_json::{Value, json};

use super::{EVE, STATEMENTS, VERSIONS};

/// Some statements one after the other, oldest first: their ids and when they were stored.
fn stored(client: &Client, count: usize) -> Result<Vec<(String, String)>> {
    for _ in 0..count {
        statement::post(client, &statement::new_id())?;
    }
    let page = address(STATEMENTS, &[("ascending", "true")]);
    let page = client.get(&page)?.expect(200)?.json()?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("no text");
    let all = page["statements"].as_array().context("no statements")?;
    all.iter().map(|one| Ok((text(&one["id"])?, text(&one["stored"])?))).collect()
}

#[test]
fn since_leaves_its_moment_out_and_until_has_it() -> Result<()> {
    let node = Node::start()?;
    for version in VERSIONS {
        let client = node.speaking(version);
        let all = stored(&client, 5)?;
        let (ids, moments): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        let find = |range: &[(&str, &str)]| {
            statement::find(&client, &[range, &[("ascending", "true")]].concat())
        };
        let (early, late) = (moments[1].as_str(), moments[3].as_str());
        assert_eq!(find(&[("since", early)])?, ids[2..]);
        assert_eq!(find(&[("until", early)])?, ids[..2]);
        assert_eq!(find(&[("since", early), ("until", late)])?, ids[2..4]);
        assert!(find(&[("since", early), ("until", early)])?.is_empty());
        assert!(find(&[("since", late), ("until", early)])?.is_empty());
        // The same moment in another zone's words, and the moment before it.
        let elsewhere = early.replace('Z', "+00:00");
        assert_eq!(find(&[("since", &elsewhere)])?, ids[2..]);
        let before = early.split('.').next().unwrap_or_default().to_owned() + "Z";
        assert!(find(&[("since", &before)])?.contains(&ids[1]));
    }
    Ok(())
}

#[test]
fn zones_count_and_the_time_a_statement_tells_of_does_not() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let old = statement::with(json!({ "timestamp": "2001-01-01T00:00:00Z" }));
    let ids = statement::store(&client, &old)?;
    let find = |range: &[(&str, &str)]| statement::find(&client, range);
    assert_eq!(find(&[("since", "2001-01-02T00:00:00Z")])?, ids);
    assert!(find(&[("until", "2001-01-02T00:00:00Z")])?.is_empty());
    assert_eq!(find(&[("since", "2020-01-01T00:00:00+14:00")])?, ids);
    assert_eq!(find(&[("until", "2999-01-01T00:00:00.000001-12:00")])?, ids);
    assert!(find(&[("since", "2999-01-01T00:00:00Z")])?.is_empty());
    let read = statement::read(&client, &ids[0])?;
    let moment = read["stored"].as_str().context("no stored")?;
    let (day, rest) = moment.split_once('T').context("no day")?;
    // A zone east of here reads later: what it calls so was an hour ago.
    let hour_ago = format!("{day}T{}", rest.replace('Z', "+01:00"));
    assert_eq!(find(&[("since", &hour_ago)])?, ids);
    let in_an_hour = format!("{day}T{}", rest.replace('Z', "-01:00"));
    assert!(find(&[("since", &in_an_hour)])?.is_empty());
    Ok(())
}

#[test]
fn the_newest_come_first_unless_the_oldest_are_asked_for() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let batch: Vec<_> = (0..3).map(|_| statement::with(json!({}))).collect();
    let mut ids = statement::store(&client, &json!(batch))?;
    ids.extend(stored(&client, 2)?.into_iter().map(|(id, _)| id).skip(3));
    assert_eq!(statement::find(&client, &[("ascending", "true")])?, ids);
    ids.reverse();
    assert_eq!(statement::find(&client, &[])?, ids);
    assert_eq!(statement::find(&client, &[("ascending", "false")])?, ids);
    Ok(())
}

#[test]
fn a_limit_takes_from_the_front_and_none_is_the_nodes() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let ids: Vec<_> = stored(&client, 3)?.into_iter().map(|(id, _)| id).collect();
    assert_eq!(statement::find(&client, &[("limit", "2"), ("ascending", "true")])?, ids[..2]);
    assert_eq!(statement::find(&client, &[("limit", "1")])?, ids[2..]);
    for all in ["0", "3", "5000", "18446744073709551615"] {
        let page = client.get(&address(STATEMENTS, &[("limit", all)]))?.expect(200)?.json()?;
        assert_eq!((statement::ids(&page)?.len(), statement::more(&page)), (3, ""), "{all}");
    }
    Ok(())
}

#[test]
fn a_range_goes_with_conditions_and_a_limit() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let eve = || statement::with(json!({ "actor": { "mbox": "mailto:eve@example.org" } }));
    let before = statement::store(&client, &json!([eve(), eve()]))?;
    let all = stored(&client, 1)?;
    let (_, moment) = all.last().context("nothing stored")?;
    let after = statement::store(&client, &json!([eve(), eve(), eve()]))?;
    let of_eve = |more: &[(&str, &str)]| {
        let asked = [("agent", EVE), ("ascending", "true")];
        statement::find(&client, &[&asked, more].concat())
    };
    assert_eq!(of_eve(&[("until", moment)])?, before);
    assert_eq!(of_eve(&[("since", moment)])?, after);
    assert_eq!(of_eve(&[("since", moment), ("limit", "2")])?, after[..2]);
    ensure!(of_eve(&[])?.len() == 5);
    Ok(())
}
