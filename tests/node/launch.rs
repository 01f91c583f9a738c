//! A learner's way: sign in, launch a unit, do it, and see it count.

mod conduct;
mod lms;
mod versions;

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Node, address, course, statement};
use http::Method;
use serde_json::{Value, json};

const COURSE: &str = "https://example.org/courses/launch";
const FORM: &str = "application/x-www-form-urlencoded";
const SESSION_ID: &str = "https://w3id.org/xapi/cmi5/context/extensions/sessionid";

/// What a unit is told in its address (cmi5, 8.1).
pub type Launch = HashMap<String, String>;

/// A node with a course, and the learner's signed-in browser.
pub fn classroom() -> Result<(Node, Client)> {
    classroom_with(&course::package(COURSE, "Launch")?)
}

/// The same with a course of one's own.
fn classroom_with(package: &[u8]) -> Result<(Node, Client)> {
    let node = Node::start()?;
    let import = Some(("application/zip", package));
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

/// Launches the course's first unit and reads what it is told.
pub fn launch(browser: &Client) -> Result<Launch> {
    launch_with(browser, 0, "Normal")
}

/// The same of another unit, in a mode.
fn launch_with(browser: &Client, unit: usize, mode: &str) -> Result<Launch> {
    let courses = browser.get("/")?.expect(200)?.text();
    let page = between(&courses, "href=\"/courses/", "\"")?.to_owned();
    let shown = browser.get(&format!("/courses/{page}"))?.expect(200)?.text();
    let unit = shown.split("name=\"unit\" value=\"").nth(unit + 1).context("no such unit")?;
    let unit = unit.split('"').next().unwrap_or_default();
    let played = address(&format!("/courses/{page}/play"), &[("unit", unit), ("mode", mode)]);
    let played = browser.get(&played)?.expect(200)?.text();
    ensure!(played.contains(&format!("value=\"{unit}\"")), "{played}");
    let form = form(&[("unit", unit), ("mode", mode)]);
    let form = Some((FORM, form.as_bytes()));
    let launched = browser.send(Method::POST, &format!("/courses/{page}/launch"), form)?;
    let launched = launched.expect(200)?.json()?;
    let address = launched["url"].as_str().context("no address")?;
    let (_, query) = address.split_once('?').context("no parameters")?;
    Ok(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
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

/// What the LMS tells a unit of its launch (cmi5, 10), as the unit reads it.
fn launch_data(unit: &Client, launch: &Launch) -> Result<Value> {
    let place = address(
        "/xapi/activities/state",
        &[
            ("stateId", "LMS.LaunchData"),
            ("activityId", &launch["activityId"]),
            ("agent", &launch["actor"]),
            ("registration", &launch["registration"]),
        ],
    );
    unit.get(&place)?.expect(200)?.json()
}

fn ask_for_preferences(unit: &Client, launch: &Launch) -> Result<()> {
    unit.get(&preferences(launch))?.expect(404).map(drop)
}

fn preferences(launch: &Launch) -> String {
    let of = [("profileId", "cmi5LearnerPreferences"), ("agent", launch["actor"].as_str())];
    address("/xapi/agents/profile", &of)
}

/// A unit that has said that it is ready.
struct Ready {
    unit: Client,
    launch: Launch,
    data: Value,
}

impl Ready {
    /// Launches a unit, and has it do what comes first.
    fn start(node: &Node, browser: &Client, number: usize, mode: &str) -> Result<Self> {
        let launch = launch_with(browser, number, mode)?;
        let unit = unit(node, &launch)?;
        let data = launch_data(&unit, &launch)?;
        ask_for_preferences(&unit, &launch)?;
        let ready = Self { unit, launch, data };
        ready.say("initialized", json!({}), 200)?;
        Ok(ready)
    }

    /// A statement that cmi5 defines.
    fn statement(&self, verb: &str, result: Value) -> Result<Value> {
        let moves = ["completed", "passed", "failed"].contains(&verb);
        let names = if moves { &["cmi5", "moveon"][..] } else { &["cmi5"] };
        let category =
            |name| json!({"id": format!("https://w3id.org/xapi/cmi5/context/categories/{name}")});
        let mut context = self.data["contextTemplate"].clone();
        context["registration"] = json!(self.launch["registration"]);
        context["contextActivities"]["category"] = names.iter().map(category).collect();
        Ok(json!({
            "id": statement::new_id(),
            "timestamp": "2026-11-29T12:00:00Z",
            "actor": serde_json::from_str::<Value>(&self.launch["actor"])?,
            "verb": { "id": format!("http://adlnet.gov/expapi/verbs/{verb}") },
            "object": { "id": self.launch["activityId"] },
            "result": result,
            "context": context,
        }))
    }

    /// Sends one, and expects a status.
    fn say(&self, verb: &str, result: Value, status: u16) -> Result<()> {
        self.send(&self.statement(verb, result)?, status)
    }

    fn send(&self, statement: &Value, status: u16) -> Result<()> {
        let answer = self.unit.post("/xapi/statements", statement)?.expect(status);
        answer.with_context(|| statement.to_string()).map(drop)
    }

    fn complete(&self) -> Result<()> {
        self.say("completed", json!({ "completion": true, "duration": "PT1S" }), 200)
    }
}

#[test]
fn what_a_launched_unit_records_shows_in_my_progress() -> Result<()> {
    let (node, browser) = classroom()?;
    let unit = Ready::start(&node, &browser, 0, "Normal")?;
    unit.complete()?;
    let score = json!({ "success": true, "duration": "PT1S", "score": { "scaled": 0.8 } });
    unit.say("passed", score, 200)?;
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
    let unit = Ready::start(&node, &browser, 0, "Normal")?;
    let before = statement::count(&node.xapi())?;
    let done = json!({ "completion": true, "duration": "PT1S" });
    let mut other = unit.statement("completed", done.clone())?;
    other["actor"] = json!({ "mbox": "mailto:eve@example.org" });
    unit.send(&other, 403)?;
    let mut elsewhere = unit.statement("completed", done)?;
    elsewhere["context"]["registration"] = json!(statement::new_id());
    unit.send(&elsewhere, 403)?;
    ensure!(statement::count(&node.xapi())? == before);
    Ok(())
}

#[test]
fn a_launched_unit_reads_its_own_statements_only() -> Result<()> {
    let (node, browser) = classroom()?;
    let Ready { unit, .. } = Ready::start(&node, &browser, 0, "Normal")?;
    let foreign = statement::new_id();
    statement::post(&node.xapi(), &foreign)?;
    let page = unit.get("/xapi/statements")?.expect(200)?.json()?;
    let found = page["statements"].as_array().context("no statements")?;
    let is_own = |it: &Value| it["actor"]["account"]["name"] == "ada";
    // Its own, and what the node says of the launch.
    ensure!(found.len() == 2 && found.iter().all(is_own), "{page}");
    unit.get(&format!("/xapi/statements?statementId={foreign}"))?.expect(403)?;
    let own = found[0]["id"].as_str().context("no id")?;
    unit.get(&format!("/xapi/statements?statementId={own}"))?.expect(200)?;
    let eve = "/xapi/statements?agent=%7B%22mbox%22%3A%22mailto%3Aeve%40example.org%22%7D";
    unit.get(eve)?.expect(403)?;
    Ok(())
}
