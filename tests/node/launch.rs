//! A learner's way: sign in, launch a unit, do it, and see it count.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Node, course, statement};
use http::Method;
use serde_json::{Value, json};

const COURSE: &str = "https://example.org/courses/launch";
const FORM: &str = "application/x-www-form-urlencoded";

/// What a unit is told in its address (cmi5, 8.1).
pub type Launch = HashMap<String, String>;

/// A node with a course, and the learner's signed-in browser.
pub fn classroom() -> Result<(Node, Client)> {
    let node = Node::start()?;
    let package = course::package(COURSE, "Launch")?;
    let import = Some(("application/zip", package.as_slice()));
    node.admin().send(Method::POST, "/content/v1/courses", import)?.expect(201)?;
    let ada = json!({
        "name": "ada", "display_name": "Ada", "role": "learner", "password": "a-long-password",
    });
    node.admin().post("/auth/people", &ada)?.expect(201)?;
    let form = b"name=ada&password=a-long-password&next=%2F".as_slice();
    let signed_in = node.anonymous().send(Method::POST, "/auth/sign-in", Some((FORM, form)))?;
    let cookie = signed_in.expect(303)?.header("set-cookie").to_owned();
    let cookie = cookie.split(';').next().context("no cookie")?.to_owned();
    let browser = node.anonymous().with_header("cookie", &cookie);
    Ok((node, browser))
}

/// Launches the course's unit and reads what it is told.
pub fn launch(browser: &Client) -> Result<Launch> {
    let courses = browser.get("/")?.expect(200)?.text();
    let page = between(&courses, "href=\"/courses/", "\"")?;
    let shown = browser.get(&format!("/courses/{page}"))?.expect(200)?.text();
    let unit = between(&shown, "name=\"unit\" value=\"", "\"")?;
    let form =
        format!("unit={}", form_urlencoded::byte_serialize(unit.as_bytes()).collect::<String>());
    let form = Some((FORM, form.as_bytes()));
    let player = browser.send(Method::POST, &format!("/courses/{page}/launch"), form)?;
    let player = player.expect(200)?.text();
    let frame = &player[player.find("<iframe").context("no frame")?..];
    let address = between(frame, "src=\"", "\"")?.replace("&#38;", "&").replace("&amp;", "&");
    let (_, query) = address.split_once('?').context("no parameters")?;
    Ok(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Result<&'a str> {
    let (_, rest) = text.split_once(before).with_context(|| format!("no {before} in {text}"))?;
    Ok(rest.split_once(after).with_context(|| format!("no {after} in {rest}"))?.0)
}

/// Fetches the token of a launch (cmi5, 8.2).
fn fetch(node: &Node, launch: &Launch) -> Result<Value> {
    let path = launch["fetch"].strip_prefix(&node.address()).context("fetch is elsewhere")?;
    node.anonymous().send(Method::POST, path, None)?.expect(200)?.json()
}

/// The unit, with its token.
pub fn unit(node: &Node, launch: &Launch) -> Result<Client> {
    let answer = fetch(node, launch)?;
    let token = answer.get("auth-token").and_then(Value::as_str).context("no token")?;
    let client = node.anonymous().with_header("authorization", &format!("Basic {token}"));
    Ok(client.with_header("x-experience-api-version", "1.0.3"))
}

fn completed(launch: &Launch) -> Result<Value> {
    Ok(json!({
        "actor": serde_json::from_str::<Value>(&launch["actor"])?,
        "verb": { "id": "http://adlnet.gov/expapi/verbs/completed" },
        "object": { "id": launch["activityId"] },
        "result": { "completion": true, "score": { "scaled": 0.8 } },
        "context": { "registration": launch["registration"] },
    }))
}

#[test]
fn what_a_launched_unit_records_shows_in_my_progress() -> Result<()> {
    let (node, browser) = classroom()?;
    let launch = launch(&browser)?;
    unit(&node, &launch)?.post("/xapi/statements", &completed(&launch)?)?.expect(200)?;
    let progress = browser.get("/progress")?.expect(200)?.text();
    ensure!(progress.contains("Completed") && progress.contains("80"), "{progress}");
    Ok(())
}

#[test]
fn a_fetch_token_works_once() -> Result<()> {
    let (node, browser) = classroom()?;
    let launch = launch(&browser)?;
    ensure!(fetch(&node, &launch)?["auth-token"].is_string());
    let again = fetch(&node, &launch)?;
    ensure!(again["error-code"] == "1" && again["auth-token"].is_null(), "{again}");
    Ok(())
}

#[test]
fn a_launched_unit_records_for_its_learner_and_registration_only() -> Result<()> {
    let (node, browser) = classroom()?;
    let launch = launch(&browser)?;
    let unit = unit(&node, &launch)?;
    let mut other = completed(&launch)?;
    other["actor"] = json!({ "mbox": "mailto:eve@example.org" });
    unit.post("/xapi/statements", &other)?.expect(403)?;
    let mut elsewhere = completed(&launch)?;
    elsewhere["context"]["registration"] = json!(statement::new_id());
    unit.post("/xapi/statements", &elsewhere)?.expect(403)?;
    ensure!(statement::count(&node.xapi())? == 0);
    Ok(())
}

#[test]
fn a_launched_unit_reads_its_own_statements_only() -> Result<()> {
    let (node, browser) = classroom()?;
    let launch = launch(&browser)?;
    let unit = unit(&node, &launch)?;
    let foreign = statement::new_id();
    statement::post(&node.xapi(), &foreign)?;
    unit.post("/xapi/statements", &completed(&launch)?)?.expect(200)?;
    let page = unit.get("/xapi/statements")?.expect(200)?.json()?;
    let found = page["statements"].as_array().context("no statements")?;
    ensure!(found.len() == 1 && found[0]["actor"]["account"]["name"] == "ada", "{page}");
    unit.get(&format!("/xapi/statements?statementId={foreign}"))?.expect(403)?;
    let own = found[0]["id"].as_str().context("no id")?;
    unit.get(&format!("/xapi/statements?statementId={own}"))?.expect(200)?;
    let eve = "/xapi/statements?agent=%7B%22mbox%22%3A%22mailto%3Aeve%40example.org%22%7D";
    unit.get(eve)?.expect(403)?;
    Ok(())
}
