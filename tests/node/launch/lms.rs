//! What the LMS says of launches and courses (cmi5, 9.3).

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Node, course};
use http::Method;
use serde_json::{Value, json};

use super::{COURSE, FORM, Ready, SESSION_ID, between, classroom, classroom_with, form};

const VERBS: [&str; 2] = ["http://adlnet.gov/expapi/verbs/", "https://w3id.org/xapi/adl/verbs/"];

/// All statements of a registration, oldest first.
fn record(node: &Node, registration: &str) -> Result<Vec<Value>> {
    let path = format!("/xapi/statements?registration={registration}&ascending=true");
    let page = node.xapi().get(&path)?.expect(200)?.json()?;
    Ok(page["statements"].as_array().context("no statements")?.clone())
}

/// Their verbs, by name.
fn verbs(record: &[Value]) -> Vec<&str> {
    let verb = |it: &Value| it["verb"]["id"].as_str().map(str::to_owned);
    let names = [
        "launched",
        "initialized",
        "completed",
        "passed",
        "terminated",
        "abandoned",
        "waived",
        "satisfied",
    ];
    let name = |id: String| {
        let is_it = |name: &&str| VERBS.iter().any(|start| format!("{start}{name}") == id);
        names.into_iter().find(is_it).unwrap_or("?")
    };
    record.iter().filter_map(verb).map(name).collect()
}

/// A course of two units in a block, and one beside it.
fn blocks() -> Result<Vec<u8>> {
    let title = |text: &str| {
        format!(
            "<title><langstring>{text}</langstring></title>\
                 <description><langstring>{text}</langstring></description>"
        )
    };
    let unit = |name: &str, more: &str, inner: &str| {
        format!(
            "<au id='{COURSE}/{name}' {more}>{}<url>index.html?x=1</url>{inner}</au>",
            title(name)
        )
    };
    let one = unit(
        "one",
        "moveOn='CompletedOrPassed' masteryScore='0'",
        "<launchParameters>some text</launchParameters><entitlementKey>key</entitlementKey>",
    );
    let structure = format!(
        "<courseStructure xmlns='https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd'>\
         <course id='{COURSE}'>{}</course>\
         <block id='{COURSE}/block'>{}{one}{}</block>{}</courseStructure>",
        title("Blocks"),
        title("A block"),
        unit("two", "moveOn='Passed'", ""),
        unit("three", "moveOn='NotApplicable'", ""),
    );
    course::archive(&[("cmi5.xml", structure.as_bytes()), ("index.html", b"<h1>Hello")])
}

fn page_of(browser: &Client) -> Result<String> {
    let courses = browser.get("/")?.expect(200)?.text();
    Ok(between(&courses, "href=\"/courses/", "\"")?.to_owned())
}

#[test]
fn a_course_is_satisfied_from_the_inside_out() -> Result<()> {
    let (node, browser) = classroom_with(&blocks()?)?;
    let first = Ready::start(&node, &browser, 0, "Normal")?;
    let data = &first.data;
    ensure!(data["masteryScore"] == 0.0 && data["moveOn"] == "CompletedOrPassed", "{data}");
    ensure!(data["launchParameters"] == "some text", "{data}");
    ensure!(data["entitlementKey"]["courseStructure"] == "key", "{data}");
    ensure!(data["returnURL"].as_str().is_some_and(|url| url.contains("/returned?to=")), "{data}");
    first.complete()?;
    first.say("terminated", json!({ "duration": "PT1S" }), 200)?;
    let second = Ready::start(&node, &browser, 1, "Normal")?;
    let passed = json!({ "success": true, "duration": "PT1S", "score": { "scaled": 0.8 } });
    second.say("passed", passed, 200)?;
    let record = record(&node, &second.launch["registration"])?;
    let wanted = [
        "launched",
        "initialized",
        "completed",
        "terminated",
        "launched",
        "initialized",
        "passed",
        "satisfied",
        "satisfied",
    ];
    ensure!(verbs(&record) == wanted, "{record:#?}");
    let launched = &record[0]["context"]["extensions"];
    let url = "https://w3id.org/xapi/cmi5/context/extensions/launchurl";
    ensure!(launched[url].as_str().is_some_and(|url| url.ends_with("/index.html?x=1")));
    let wholes = [("block", format!("{COURSE}/block")), ("course", COURSE.to_owned())];
    for (statement, (kind, id)) in record.iter().skip(7).zip(wholes) {
        let kind = format!("https://w3id.org/xapi/cmi5/activitytype/{kind}");
        ensure!(statement["object"]["definition"]["type"] == kind, "{statement}");
        ensure!(statement["object"]["id"] != id, "the publisher's id is not the LMS's");
        ensure!(statement["context"]["contextActivities"]["grouping"][0]["id"] == id);
        let session = &second.data["contextTemplate"]["extensions"][SESSION_ID];
        ensure!(statement["context"]["extensions"][SESSION_ID] == *session);
    }
    Ready::start(&node, &browser, 2, "Normal")?;
    let all = super::lms::record(&node, &second.launch["registration"])?;
    ensure!(verbs(&all)[9..] == ["abandoned", "launched", "initialized"], "{all:#?}");
    ensure!(all[9]["result"]["duration"].as_str().is_some_and(|text| text.starts_with("PT")));
    Ok(())
}

#[test]
fn a_launch_gives_up_the_session_before_it() -> Result<()> {
    let (node, browser) = classroom()?;
    let first = Ready::start(&node, &browser, 0, "Normal")?;
    let second = Ready::start(&node, &browser, 0, "Normal")?;
    first.say("completed", json!({ "completion": true, "duration": "PT1S" }), 403)?;
    second.complete()?;
    let record = record(&node, &second.launch["registration"])?;
    let wanted = [
        "launched",
        "initialized",
        "abandoned",
        "launched",
        "initialized",
        "completed",
        "satisfied",
    ];
    ensure!(verbs(&record) == wanted, "{record:#?}");
    Ok(())
}

#[test]
fn a_session_is_ended_by_its_learner_and_no_other() -> Result<()> {
    let (node, browser) = classroom()?;
    let unit = Ready::start(&node, &browser, 0, "Normal")?;
    let session = unit.data["contextTemplate"]["extensions"][SESSION_ID].as_str().unwrap_or("");
    let end =
        |client: &Client| client.send(Method::POST, &format!("/sessions/{session}/end"), None);
    let eve = json!({
        "name": "eve", "display_name": "Eve", "role": "learner", "password": "a-long-password",
    });
    node.admin().post("/auth/people", &eve)?.expect(201)?;
    end(&node.anonymous())?.expect(401)?;
    end(&node.anonymous().with_basic("eve:a-long-password"))?.expect(404)?;
    let mut allowed = unit.statement("experienced", json!({}))?;
    allowed["context"]["contextActivities"]["category"] = json!([]);
    unit.send(&allowed, 200)?;
    end(&browser)?.expect(303)?;
    unit.complete().err().context("its session is over")?;
    Ok(())
}

#[test]
fn an_administrator_excuses_a_learner_from_a_unit() -> Result<()> {
    let (node, browser) = classroom()?;
    let address = format!("/courses/{}/waive", page_of(&browser)?);
    let unit = format!("{COURSE}/unit");
    let form =
        |learner: &str| form(&[("unit", &unit), ("learner", learner), ("reason", "Tested Out")]);
    let waive = |client: &Client, learner: &str| {
        client.send(Method::POST, &address, Some((FORM, form(learner).as_bytes())))
    };
    waive(&browser, "ada")?.expect(403)?;
    waive(&node.admin(), "nobody")?.expect(400)?;
    waive(&node.admin(), "ada")?.expect(303)?;
    let course = browser.get("/")?.expect(200)?.text();
    ensure!(course.contains("1 of 1 unit done"), "{course}");
    let registration = super::launch(&browser)?["registration"].clone();
    let record = record(&node, &registration)?;
    ensure!(verbs(&record) == ["waived", "satisfied", "launched"], "{record:#?}");
    let reason = "https://w3id.org/xapi/cmi5/result/extensions/reason";
    ensure!(record[0]["result"]["extensions"][reason] == "Tested Out", "{record:#?}");
    Ok(())
}
