//! Conflicts, as administrators see and settle them.

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Link, Node, Response, statement};
use http::Method;
use serde_json::{Value, json};

use crate::statement_browser::link;
use crate::tree::{completed, conflicts, has_state, learner, node, put_state, soon, under};

const PAGE: &str = "/admin/conflicts";
const FORM: &str = "application/x-www-form-urlencoded";

fn admin(node: &Node) -> Result<Client> {
    Ok(node.browser(&node.sign_in(Node::ADMIN)?))
}

/// A hub, an edge, and a document of each of these learners that both have changed apart: page 2
/// lost, page 3 stands.
fn apart(learners: &[&str]) -> Result<(Node, Node)> {
    let hub = node("hub", &["edge"])?.start()?;
    let link = Link::to(hub.port())?;
    let edge = under(node("edge", &[])?, "edge", &link.address()).start()?;
    for name in learners {
        put_state(&edge.xapi(), name, r#"{"page":1,"title":"<b>Hedge</b>"}"#)?;
    }
    let last = learners.last().context("nobody")?;
    soon("the first version arrives", || {
        has_state(&hub, last, r#"{"page":1,"title":"<b>Hedge</b>"}"#)
    })?;
    link.cut();
    for name in learners {
        put_state(&edge.xapi(), name, r#"{"page":2,"title":"<b>Hedge</b>"}"#)?;
        put_state(&hub.xapi(), name, r#"{"page":3,"title":"<b>Hedge</b>"}"#)?;
    }
    link.restore();
    soon("the conflicts are noticed", || Ok(conflicts(&hub)?.len() == learners.len()))?;
    Ok((hub, edge))
}

/// The ids of the conflicts that a page shows.
fn shown(page: &str) -> Vec<String> {
    let form = format!("action=\"{PAGE}/");
    let forms = page.split(&form).skip(1);
    forms.map(|form| form.split('"').next().unwrap_or_default().to_owned()).collect()
}

fn settle(browser: &Client, id: &str, form: &str) -> Result<Response> {
    browser.send(Method::POST, &format!("{PAGE}/{id}"), Some((FORM, form.as_bytes())))
}

/// Settles a conflict and answers the page that this leads to.
fn settled(browser: &Client, id: &str, form: &str) -> Result<String> {
    let answer = settle(browser, id, form)?.expect(303)?;
    Ok(browser.get(answer.header("location"))?.expect(200)?.text())
}

#[test]
fn both_versions_are_shown_and_either_can_stand() -> Result<()> {
    let (hub, _edge) = apart(&["ana", "ben"])?;
    let browser = admin(&hub)?;
    let page = browser.get(PAGE)?.expect(200)?.text();
    let ids = shown(&page);
    assert_eq!(ids.len(), 2);
    for text in [
        "<mark>3</mark>",
        "<mark>2</mark>",
        "<mark>hub</mark>",
        "<mark>edge</mark>",
        ">ana<",
        ">ben<",
    ] {
        ensure!(page.contains(text), "no {text} in {page}");
    }
    ensure!(!page.contains("<b>Hedge") && page.contains("b&#62;Hedge"), "{page}");
    let after = settled(&browser, &ids[0], "restore=true")?;
    ensure!(after.contains("was restored") && shown(&after) == ids[1..], "{after}");
    let after = settled(&browser, &ids[1], "restore=false")?;
    ensure!(after.contains("was kept") && after.contains("nothing to settle"), "{after}");
    ensure!(settled(&browser, &ids[1], "restore=true")?.contains("settled already"));
    let (two, three) =
        (r#"{"page":2,"title":"<b>Hedge</b>"}"#, r#"{"page":3,"title":"<b>Hedge</b>"}"#);
    soon("the edge hears of it", || {
        Ok(has_state(&hub, "ana", two)? && has_state(&hub, "ben", three)?)
    })?;
    Ok(())
}

/// Makes the hub notice a conflict over each of these statements, which it knows otherwise.
fn quarrel(hub: &Node, statements: &[Value]) -> Result<()> {
    statement::store(&hub.xapi(), &json!(statements))?;
    let others = statements.iter().enumerate().map(|(index, statement)| {
        let mut other = completed("eve", "https://example.org/\"><script>");
        other["object"]["id"] = json!("https://example.org/other");
        other["result"]["response"] = json!("<script>alert(1)</script>");
        for (name, value) in
            [("id", statement["id"].clone()), ("timestamp", json!("2026-11-25T08:00:00.000Z"))]
        {
            other[name] = value;
        }
        other["authority"] = json!({ "objectType": "Agent", "mbox": "mailto:eve@example.org" });
        json!({ "sequence": index + 1, "kind": "statement", "payload": other })
    });
    let batch = json!({ "node": "edge", "journal": "progress", "epoch": "e0", "lane": "backlog",
        "after": 0, "before": { "through": { "sequence": 0, "receipt": "" } }, "receipt": "r",
        "entries": others.collect::<Vec<_>>() });
    let edge = hub.anonymous().with_header("authorization", "Bearer token-of-edge");
    edge.post("/sync/v1/entries", &batch)?.expect(200)?;
    Ok(())
}

fn statements(count: usize) -> Vec<Value> {
    (0..count).map(|n| completed("ana", &format!("https://example.org/{n}"))).collect()
}

#[test]
fn a_statement_can_only_stay_as_it_is() -> Result<()> {
    let hub = node("hub", &["edge"])?.start()?;
    quarrel(&hub, &statements(1))?;
    let browser = admin(&hub)?;
    let page = browser.get(PAGE)?.expect(200)?.text();
    let ids = shown(&page);
    assert_eq!(ids, ["progress-1"]);
    ensure!(
        page.contains("disabled>Restore what lost") && page.contains("A statement never changes"),
        "{page}"
    );
    ensure!(!page.contains("<script>alert") && page.contains("script&#62;alert"), "{page}");
    let refused = settle(&browser, &ids[0], "restore=true")?.expect(400)?.text();
    ensure!(refused.contains("cannot be put in place"), "{refused}");
    settle(&browser, &ids[0], "")?.expect(400)?;
    settle(&browser, "nonsense", "restore=true")?.expect(400)?;
    assert_eq!(conflicts(&hub)?.len(), 1);
    ensure!(settled(&browser, &ids[0], "restore=false")?.contains("was kept"));
    Ok(())
}

#[test]
fn only_administrators_settle_and_only_from_this_page() -> Result<()> {
    let hub = node("hub", &["edge"])?.start()?;
    quarrel(&hub, &statements(1))?;
    hub.admin().post("/auth/people", &learner("ada"))?.expect(201)?;
    let ada = hub.browser(&hub.sign_in("ada:a-long-password")?);
    ensure!(ada.get(PAGE)?.expect(403)?.text().contains("Only administrators"));
    settle(&ada, "progress-1", "restore=false")?.expect(403)?;
    settle(&hub.anonymous(), "progress-1", "restore=false")?.expect(401)?;
    let browser = admin(&hub)?;
    let elsewhere = browser.clone().with_header("origin", "https://evil.example");
    settle(&elsewhere, "progress-1", "restore=false")?.expect(403)?;
    let elsewhere = browser.with_header("sec-fetch-site", "cross-site");
    settle(&elsewhere, "progress-1", "restore=false")?.expect(403)?;
    assert_eq!(conflicts(&hub)?.len(), 1);
    Ok(())
}

#[test]
fn pages_follow_each_other_over_all_journals() -> Result<()> {
    let hub = node("hub", &["edge"])?.start()?;
    quarrel(&hub, &statements(45))?;
    hub.admin().post("/auth/people", &learner("bob"))?.expect(201)?;
    let bob = json!({ "name": "bob", "display_name": "Bob of the edge", "role": "learner",
        "home": "edge",
        "password_hash": "x", "removed": false, "stamp": 1, "writer": "ab", "seen": { "ab": 1 } });
    let batch = json!({ "node": "edge", "journal": "identity", "epoch": "e0", "lane": "backlog",
        "after": 0,
        "before": { "through": { "sequence": 0, "receipt": "" } }, "receipt": "r",
        "entries": [{ "sequence": 1, "kind": "person", "payload": bob }] });
    let edge = hub.anonymous().with_header("authorization", "Bearer token-of-edge");
    edge.post("/sync/v1/entries", &batch)?.expect(200)?;
    let expected: Vec<_> = ["identity-1".to_owned()]
        .into_iter()
        .chain((1..=45).map(|n| format!("progress-{n}")))
        .collect();

    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page =
            hub.admin().get(&format!("/sync/v1/conflicts?limit=7{after}"))?.expect(200)?.json()?;
        let listed = page["conflicts"].as_array().context("a list")?;
        seen.extend(
            listed.iter().map(|conflict| conflict["id"].as_str().unwrap_or_default().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
        ensure!(listed.len() == 7, "a short page is the last");
    }
    assert_eq!(seen, expected);
    hub.admin().get("/sync/v1/conflicts?limit=many")?.expect(400)?;
    hub.admin().get("/sync/v1/conflicts?after=7")?.expect(400)?;

    let browser = admin(&hub)?;
    let (mut seen, mut address) = (Vec::new(), PAGE.to_owned());
    loop {
        let page = browser.get(&address)?.expect(200)?.text();
        if seen.is_empty() {
            ensure!(
                page.contains("<mark>another one</mark>")
                    && page.contains("<mark>Bob of the edge</mark>"),
                "{page}"
            );
        }
        seen.extend(shown(&page));
        match link(&page, "Next page") {
            Ok(next) => address = next,
            Err(_) => break,
        }
    }
    assert_eq!(seen, expected);
    // Settled on a later page, one is back on that page.
    let form = "restore=false&after=progress-39";
    let page = settled(&browser, "progress-41", form)?;
    ensure!(
        page.contains("was kept") && shown(&page)[..2] == ["progress-40", "progress-42"],
        "{page}"
    );
    Ok(())
}
