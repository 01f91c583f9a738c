//! Where a query goes on: `more` (xAPI 1.0.3, part two, 2.5; part three, 2.1.3).

use anyhow::{Result, ensure};
use hedgeschool_tests::{Client, Node, address, statement};
use serde_json::{Value, json};

use super::multipart::Parts;
use super::{ACTIVITY, ADA, EVE, STATEMENTS, VERSIONS};

/// Records this many statements one after the other; answers their ids.
fn record(client: &Client, count: usize) -> Result<Vec<String>> {
    let batch: Vec<_> = (0..count).map(|_| statement::with(json!({}))).collect();
    statement::store(client, &json!(batch))
}

fn page(client: &Client, path: &str) -> Result<(Vec<String>, String)> {
    let page = client.get(path)?.expect(200)?.json()?;
    Ok((statement::ids(&page)?, statement::more(&page).to_owned()))
}

#[test]
fn pages_have_everything_once_and_in_order() -> Result<()> {
    let node = Node::start()?;
    let ids = record(&node.xapi(), 23)?;
    for version in VERSIONS {
        let client = node.speaking(version);
        for limit in ["1", "7", "22", "23"] {
            let oldest_first = [("ascending", "true"), ("limit", limit)];
            assert_eq!(statement::find_all(&client, &oldest_first)?, ids);
            let mut newest_first = statement::find_all(&client, &[("limit", limit)])?;
            newest_first.reverse();
            assert_eq!(newest_first, ids);
        }
    }
    Ok(())
}

#[test]
fn the_last_page_says_so_and_the_others_where_to_go_on_this_node() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    record(&client, 4)?;
    let (_, more) = page(&client, &address(STATEMENTS, &[("limit", "2")]))?;
    ensure!(more.starts_with("/xapi/statements?") && more.is_ascii(), "{more}");
    let (last, more) = page(&client, &more)?;
    assert_eq!((last.len(), more.as_str()), (2, ""));
    for limit in ["4", "5", "0"] {
        assert_eq!(page(&client, &address(STATEMENTS, &[("limit", limit)]))?.1, "");
    }
    Ok(())
}

#[test]
fn what_is_recorded_between_two_pages_neither_shifts_nor_repeats_any() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let old = record(&client, 9)?;
    for order in ["false", "true"] {
        let before = statement::all_ids(&client)?;
        let (mut found, mut recorded) = (Vec::new(), Vec::new());
        let mut next = address(STATEMENTS, &[("ascending", order), ("limit", "4")]);
        while !next.is_empty() {
            let (ids, more) = page(&client, &next)?;
            found.extend(ids);
            next = more;
            if recorded.len() < 4 {
                recorded.extend(record(&client, 2)?);
            }
        }
        // Backwards, what came later is past; forwards, it is still to come.
        let expected = match order {
            "true" => [before, recorded].concat(),
            _ => before.into_iter().rev().collect(),
        };
        assert_eq!(found, expected, "ascending={order}");
    }
    ensure!(statement::count(&client)? == old.len() + 8);
    Ok(())
}

#[test]
fn a_page_is_what_is_left_of_it_when_one_is_voided_amid() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let ids = record(&client, 6)?;
    let (first, more) =
        page(&client, &address(STATEMENTS, &[("ascending", "true"), ("limit", "2")]))?;
    // The one that the address goes on from, and one that it leads to.
    for gone in [&ids[1], &ids[3]] {
        client.post(STATEMENTS, &statement::voiding(gone))?.expect(200)?;
    }
    let (second, more) = page(&client, &more)?;
    assert_eq!(
        (first.as_slice(), second.as_slice()),
        (&ids[..2], &[ids[2].clone(), ids[4].clone()][..])
    );
    assert_eq!(page(&client, &more)?.0[0], ids[5]);
    Ok(())
}

#[test]
fn every_page_keeps_to_the_conditions() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let registration = statement::new_id();
    let context = json!({
        "registration": registration,
        "instructor": { "mbox": "mailto:eve@example.org" },
        "contextActivities": { "parent": [{ "id": "https://example.org/ü?a=b&c=d#e" }] },
    });
    let mut wanted = Vec::new();
    for _ in 0..5 {
        wanted.extend(statement::store(&client, &statement::with(json!({ "context": context })))?);
        record(&client, 2)?;
    }
    let queries: [&[(&str, &str)]; 4] = [
        &[("registration", &registration)],
        &[("agent", EVE), ("related_agents", "true")],
        &[("activity", "https://example.org/ü?a=b&c=d#e"), ("related_activities", "true")],
        &[
            ("agent", ADA),
            ("activity", ACTIVITY),
            ("registration", &registration),
            ("since", "2026-01-01T00:00:00+01:00"),
            ("until", "2999-01-01T00:00:00Z"),
        ],
    ];
    for query in queries {
        let paged = [query, &[("ascending", "true"), ("limit", "2")]].concat();
        assert_eq!(statement::find_all(&client, &paged)?, wanted, "{query:?}");
    }
    Ok(())
}

#[test]
fn every_page_has_the_format_that_was_asked_for() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    record(&client, 3)?;
    let mut next = address(STATEMENTS, &[("format", "ids"), ("limit", "1")]);
    for _ in 0..3 {
        let page = client.get(&next)?.expect(200)?.json()?;
        assert_eq!(page["statements"][0]["object"], json!({ "id": ACTIVITY }));
        next = statement::more(&page).to_owned();
    }
    assert_eq!(next, "");
    Ok(())
}

#[test]
fn every_page_comes_with_the_data_of_its_own_attachments() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let data: [&[u8]; 3] = [b"one", b"two", b"three"];
    for data in data {
        let statement = statement::with(json!({ "attachments": [Parts::describe(data)] }));
        Parts::new(&statement).with(data).post(&client)?.expect(200)?;
    }
    let mut next =
        address(STATEMENTS, &[("attachments", "true"), ("ascending", "true"), ("limit", "1")]);
    for data in data {
        let page = Parts::read(&client.get(&next)?.expect(200)?)?;
        assert_eq!(page.data(), [data]);
        let json: Value = serde_json::from_str(&page.statements)?;
        next = statement::more(&json).to_owned();
    }
    assert_eq!(next, "");
    Ok(())
}

#[test]
fn an_address_to_go_on_outlives_the_process_that_gave_it() -> Result<()> {
    let mut node = Node::start()?;
    let client = node.xapi();
    let ids = record(&client, 3)?;
    let (_, more) = page(&client, &address(STATEMENTS, &[("ascending", "true"), ("limit", "2")]))?;
    node.kill()?;
    node.restart()?;
    assert_eq!(page(&client, &more)?, (ids[2..].to_vec(), String::new()));
    Ok(())
}
