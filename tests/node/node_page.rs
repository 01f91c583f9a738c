//! How a node stands, as its administrators see it: the page, and the figures behind it.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Events, Link, Node, address, course, statement};
use http::Method;
use serde_json::{Value, json};

use crate::statement_browser::link;
use crate::tree::{completed, learner, node, pair, put_state, soon, under};

const PAGE: &str = "/admin/node";
/// Rows of a page.
const ROWS: usize = 100;

pub fn admin(node: &Node) -> Result<Client> {
    Ok(node.browser(&node.sign_in(Node::ADMIN)?))
}

fn status(node: &Node) -> Result<Value> {
    node.admin().get("/sync/v1/status")?.expect(200)?.json()
}

pub fn page(admin: &Client, query: &str) -> Result<String> {
    Ok(admin.get(&format!("{PAGE}{query}"))?.expect(200)?.text())
}

/// What a page says, without its markup.
pub fn words(page: &str) -> String {
    let texts = page.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text);
    texts.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// The names of the nodes that a page lists, in its order.
fn rows(page: &str) -> Vec<String> {
    let rows = page.split("<tr data-key=\"").skip(1);
    rows.map(|row| row.split('"').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn two_nodes_show_each_other() -> Result<()> {
    let (hub, edge) = pair()?;
    statement::post(&edge.xapi(), &statement::new_id())?;
    let (above, below) = (admin(&hub)?, admin(&edge)?);
    soon("the edge shows its hub", || {
        let shown = words(&page(&below, "")?);
        Ok(shown.contains("In touch Name hub") && shown.contains("nothing: it has everything"))
    })?;
    let shown = words(&page(&below, "")?);
    ensure!(shown.contains("Last contact just now"), "{shown}");
    ensure!(shown.contains("Its clock agrees") && shown.contains("None has replicated"), "{shown}");
    soon("the hub shows its edge", || {
        let list = page(&above, "")?;
        Ok(rows(&list) == ["edge"] && words(&list).contains("edge Fine just now 0 –"))
    })?;
    let shown = words(&page(&above, "")?);
    ensure!(
        shown.contains("1 node, none in trouble") && shown.contains("this node is a hub"),
        "{shown}"
    );
    ensure!(link(&above.get("/")?.expect(200)?.text(), "Node")? == PAGE);
    Ok(())
}

#[test]
fn a_queue_counts_what_the_upstream_has_not_applied_and_nothing_else() -> Result<()> {
    let hub = node("hub", &["edge"])?.start()?;
    let link = Link::to(hub.port())?;
    let edge = under(node("edge", &[])?, "edge", &link.address()).start()?;
    statement::post(&edge.xapi(), &statement::new_id())?;
    // What comes from above lies at the end of the journals here, and needs not go back.
    hub.admin().post("/auth/people", &learner("everywhere"))?.expect(201)?;
    let package = course::package("https://example.org/a-course", "A course")?;
    let zip = Some(("application/zip", package.as_slice()));
    hub.admin().send(Method::POST, "/content/v1/courses", zip)?.expect(201)?;
    soon("all is where it belongs", || {
        let journals = &status(&edge)?["journals"];
        let has_come = journals["identity"] != json!(0) && journals["content"] != json!(0);
        Ok(has_come && statement::count(&hub.xapi())? == 1)
    })?;
    soon("nothing waits", || Ok(status(&edge)?["upstream"]["queue"] == json!(0)))?;
    soon("the hub hears so", || {
        let told = &status(&hub)?["nodes"][0];
        Ok(told["queue"] == json!(0) && told["queue_age_seconds"] == json!(0))
    })?;

    link.cut();
    let begun = Instant::now();
    let batch: Vec<_> =
        (0..3).map(|n| completed("ana", &format!("https://example.org/{n}"))).collect();
    statement::store(&edge.xapi(), &json!(batch))?;
    put_state(&edge.xapi(), "ana", "{}")?;
    edge.admin().post("/auth/people", &learner("local"))?.expect(201)?;
    let above = &status(&edge)?["upstream"];
    assert_eq!(above["queue"], json!(5));
    let age = above["queue_age_seconds"].as_u64().context("no age")?;
    ensure!(age <= begun.elapsed().as_secs() + 1, "{age} s, after {:?}", begun.elapsed());
    link.restore();
    soon("nothing waits again", || {
        Ok(status(&edge)?["upstream"]["queue"] == json!(0) && statement::count(&hub.xapi())? == 4)
    })
}

#[test]
fn a_problem_is_told_with_what_to_do() -> Result<()> {
    let hub = node("hub", &["edge"])?.start()?;
    let link = Link::to(hub.port())?;
    link.cut();
    let edge = under(node("edge", &[])?, "edge", &link.address()).start()?;
    statement::post(&edge.xapi(), &statement::new_id())?;
    let browser = admin(&edge)?;
    soon("the edge says that it is cut off", || {
        let shown = words(&page(&browser, "")?);
        Ok(shown.contains("Out of touch") && shown.contains("Check this node"))
    })?;
    let shown = words(&page(&browser, "")?);
    let says = "Is everything all right? Yes, but something is worth knowing. Nothing is urgent. \
                Node above This node has not got through to the node above yet, and it has tried \
                for under a minute. Lessons go on; 1 change waits here to be sent, and nothing is \
                lost. What to do: Check this node";
    ensure!(shown.contains(says), "{shown}");
    ensure!(shown.contains("1 change, under a minute old"), "{shown}");
    ensure!(shown.contains("Last contact never"), "{shown}");
    link.restore();
    soon("the problem is over", || {
        let shown = words(&page(&browser, "")?);
        Ok(shown.contains("In touch") && shown.contains("all right? Yes Lessons work"))
    })?;

    let stranger = under(node("stranger", &[])?, "stranger", &hub.address()).start()?;
    let browser = admin(&stranger)?;
    soon("the stranger hears why", || {
        let shown = words(&page(&browser, "")?);
        Ok(shown.contains("all right? No Something is to be done")
            && shown.contains("The node above turns this node away")
            && shown.contains("does not know this node&#39;s token"))
    })
}

#[test]
fn only_administrators_see_it_and_no_cookie_does_more() -> Result<()> {
    let node = Node::start()?;
    node.admin().post("/auth/people", &learner("ada"))?.expect(201)?;
    let ada = node.browser(&node.sign_in("ada:a-long-password")?);
    let refused = ada.get(PAGE)?.expect(403)?.text();
    ensure!(refused.contains("Only administrators"), "{refused}");
    ensure!(!ada.get("/")?.expect(200)?.text().contains(PAGE));
    assert_eq!(
        node.anonymous().get(PAGE)?.expect(303)?.header("location"),
        "/sign-in?next=%2Fadmin%2Fnode"
    );
    let browser = admin(&node)?;
    browser.get("/sync/v1/status")?.expect(401)?;
    browser.get("/sync/v1/conflicts")?.expect(401)?;
    browser.post("/sync/v1/conflicts/progress-1?restore=true", &json!({}))?.expect(401)?;
    for private in ["/status", "/conflicts", "/settle", "/sync/status"] {
        browser.post(private, &json!({}))?.expect(404)?;
    }
    Ok(())
}

/// What a node tells the hub of itself.
fn tell(hub: &Node, name: &str, health: Value) -> Result<()> {
    let client = hub.anonymous().with_header("authorization", &format!("Bearer token-of-{name}"));
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_micros() as u64;
    let mut told = json!({ "queue": 0, "queue_age_s": 0, "conflicts": 0,
        "version": env!("CARGO_PKG_VERSION") });
    told.as_object_mut()
        .zip(health.as_object())
        .context("an object")?
        .0
        .extend(health.as_object().cloned().unwrap_or_default());
    let pull = json!({ "node": name, "serves": [], "now": now, "health": told, "journals": {},
        "wait_ms": 0 });
    client.post("/sync/v1/pull", &pull)?.expect(200)?;
    Ok(())
}

#[test]
fn a_fleet_is_listed_page_by_page_the_worst_first() -> Result<()> {
    let names: Vec<_> = (0..310).map(|n| format!("edge-{n:03}")).collect();
    let all: Vec<_> = names.iter().map(String::as_str).collect();
    let hub = node("hub", &all)?.start()?;
    for name in &names {
        tell(
            &hub,
            name,
            match name.as_str() {
                "edge-200" => json!({ "queue": 1_234, "queue_age_s": 7_200 }),
                "edge-250" => json!({ "conflicts": 2 }),
                "edge-300" => json!({ "version": "<script>alert(1)</script>" }),
                _ => json!({}),
            },
        )?;
    }
    let browser = admin(&hub)?;
    let first = page(&browser, "")?;
    ensure!(!first.contains("<script>alert") && first.contains("script&#62;"));
    let listed = rows(&first);
    assert_eq!(listed.len(), ROWS);
    assert_eq!(listed[..4], ["edge-200", "edge-250", "edge-300", "edge-000"]);
    let shown = words(&first);
    ensure!(shown.contains("310 nodes, 3 in trouble . Node"), "{shown}");
    ensure!(shown.contains("edge-200 Behind just now 1,234 2 h agrees 0"), "{shown}");

    let mut seen = listed;
    let mut next = link(&first, "Next page")?;
    loop {
        let listed = admin_page(&browser, &next)?;
        seen.extend(rows(&listed));
        match link(&listed, "Next page") {
            Ok(after) => next = after,
            Err(_) => break,
        }
    }
    seen.sort();
    assert_eq!(seen, names);
    assert_eq!(rows(&page(&browser, "?trouble=true")?).len(), 3);
    assert_eq!(rows(&page(&browser, "?sort=conflicts")?)[0], "edge-250");
    assert_eq!(rows(&page(&browser, "?name=30&sort=name")?)[..2], ["edge-030", "edge-130"]);
    let none = words(&page(&browser, &address("", &[("name", "<nobody>")]))?);
    ensure!(none.contains("No node is like that"), "{none}");
    // Past the end is the end.
    assert_eq!(rows(&page(&browser, "?page=99")?).len(), 10);
    Ok(())
}

fn admin_page(browser: &Client, address: &str) -> Result<String> {
    let path = address.split('#').next().unwrap_or_default();
    Ok(browser.get(path)?.expect(200)?.text())
}

#[test]
fn a_node_that_comes_into_touch_shows_on_an_open_page() -> Result<()> {
    let hub = node("hub", &["edge"])?.start()?;
    let mut events = Events::open(&hub, "/admin/node/events", &hub.sign_in(Node::ADMIN)?)?;
    ensure!(events.expect("state")?.contains("None has replicated"));
    let _edge = under(node("edge", &[])?, "edge", &hub.address()).start()?;
    assert_eq!(rows(&events.until("edge")?), ["edge"]);
    Ok(())
}
