//! Courses that are taken back: retired, offered again, removed.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Browser, Node, address, course};
use http::Method;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::tree::{completed, learner, node, sign_in, soon, under};

const ID: &str = "https://example.org/knots";
const TITLE: &str = "Knots";

fn import(node: &Node) -> Result<Value> {
    let package = course::package(ID, TITLE)?;
    let zip = Some(("application/zip", package.as_slice()));
    node.admin().send(Method::POST, course::COURSES, zip)?.expect(201)?.json()
}

fn place() -> String {
    format!("{}/{}", course::COURSES, ID.replace(':', "%3A").replace('/', "%2F"))
}

fn retire(node: &Node, retired: bool) -> Result<()> {
    let body = json!({ "retired": retired }).to_string();
    let body = Some(("application/json", body.as_bytes()));
    node.admin().send(Method::PATCH, &place(), body)?.expect(200)?;
    Ok(())
}

/// Whether somebody finds the course among theirs.
fn sees(node: &Node, who: &str) -> Result<bool> {
    let cookie = node.sign_in(&format!("{who}:a-long-password"))?;
    Ok(node.browser(&cookie).get("/")?.expect(200)?.text().contains(TITLE))
}

/// A hub with an edge, at which Ada has begun the course and Grace has not.
fn school() -> Result<(Node, Node, Value)> {
    let hub = node("hub", &["edge"])?.start()?;
    let edge = under(node("edge", &[])?, "edge", &hub.address()).start()?;
    let course = import(&hub)?;
    for name in ["ada", "grace"] {
        hub.admin().post("/auth/people", &learner(name))?.expect(201)?;
        soon("they can sign in", || Ok(sign_in(&edge, name).is_ok()))?;
    }
    soon("the course is there", || sees(&edge, "grace"))?;
    let unit = course["units"][0]["activity"].as_str().context("no unit")?;
    edge.xapi().post("/xapi/statements", &completed("ada", unit))?.expect(200)?;
    Ok((hub, edge, course))
}

#[test]
fn a_retired_course_is_for_who_has_begun_it_and_can_be_offered_again() -> Result<()> {
    let (hub, edge, _) = school()?;
    retire(&hub, true)?;
    soon("it is retired below", || Ok(!sees(&edge, "grace")?))?;
    ensure!(sees(&edge, "ada")?, "who has begun it may finish");
    let listed = edge.admin().get(course::COURSES)?.expect(200)?.json()?;
    ensure!(listed["courses"][0]["withdrawn"] == "Retired", "{listed}");
    retire(&hub, false)?;
    soon("it is offered again", || sees(&edge, "grace"))
}

/// How many rows each of the tables has that hold a package.
fn rows(folder: &Path) -> Result<Vec<u64>> {
    let database = Connection::open(folder.join("content.db"))?;
    let count = |table: &str| {
        database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
    };
    Ok(["file", "blob", "piece"].into_iter().map(count).collect::<Result<_, _>>()?)
}

#[test]
fn a_removed_course_is_gone_with_its_files_and_what_was_learnt_stays() -> Result<()> {
    let (hub, edge, course) = school()?;
    let file = format!("/content/p/{}/index.html", course["package"].as_str().unwrap_or_default());
    edge.content().get(&file)?.expect(200)?;
    for refused in [edge.anonymous(), edge.anonymous().with_basic("ada:a-long-password")] {
        let status = refused.delete(&place())?.status.as_u16();
        ensure!([401, 403].contains(&status), "{status}");
    }
    hub.admin().delete(&place())?.expect(204)?;
    hub.admin().delete(&place())?.expect(204)?;
    hub.admin().get(&place())?.expect(404)?;
    for node in [&hub, &edge] {
        soon("it is in no list", || Ok(!sees(node, "ada")?))?;
        soon("its files are gone", || Ok(node.content().get(&file)?.status == 404))?;
        soon("and their bytes", || Ok(rows(node.folder())? == [0, 0, 0]))?;
    }
    let asked = [("verb", "http://adlnet.gov/expapi/verbs/completed")];
    let kept = edge.xapi().get(&address("/xapi/statements", &asked))?.expect(200)?.json()?;
    ensure!(kept["statements"].as_array().is_some_and(|list| list.len() == 1), "{kept}");
    // It can come back.
    import(&hub)?;
    soon("it is there again", || sees(&edge, "grace"))
}

#[test]
fn an_administrator_retires_and_removes_a_course_on_its_page() -> Result<()> {
    let node = Node::start()?;
    let course = import(&node)?;
    node.admin().post("/auth/people", &learner("grace"))?.expect(201)?;
    let browser = Browser::phone()?;
    crate::pages::sign_in(&browser, &node, Node::ADMIN)?;
    let page = format!("{}/courses/{}", node.address(), course["key"].as_str().unwrap_or_default());
    browser.open(&page)?;
    browser.click("details:last-of-type summary")?;
    browser.click("button[value=retired]")?;
    browser.click("details:last-of-type summary")?;
    browser.await_text("details", "Offer the course again")?;
    ensure!(!sees(&node, "grace")?);
    browser.click("input[type=checkbox]")?;
    browser.click("button[value=removed]")?;
    browser.await_text("h1", "Import a course")?;
    ensure!(!browser.text("main")?.contains(TITLE));
    Ok(())
}
