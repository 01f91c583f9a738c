//! Whose documents credentials open.

use anyhow::{Context, Result};
use hedgeschool_tests::{Node, address, statement};
use serde_json::json;

use super::{AGENT_PROFILE, RESOURCES, STATE, document, put};
use crate::launch;
use crate::xapi::{ACTIVITY, ADA, EVE};

#[test]
fn clients_have_the_documents_of_their_scopes() -> Result<()> {
    let node = Node::start()?;
    let [of_state, of_activity, of_agent] = RESOURCES.map(|resource| document(resource, "d"));
    for path in [&of_state, &of_activity, &of_agent] {
        put(&node.xapi(), path, "application/json", b"{}")?;
    }
    let agents = address("/xapi/agents", &[("agent", ADA)]);
    let activities = address("/xapi/activities", &[("activityId", ACTIVITY)]);
    // What reading states, profiles, persons and activities answers, and merging states and
    // profiles.
    let table = [
        ("state", [200, 403, 403, 403, 403], [204, 403, 403]),
        ("profile", [403, 200, 200, 200, 200], [403, 204, 204]),
        ("statements/read/mine", [403, 403, 403, 200, 200], [403, 403, 403]),
        ("all/read", [200, 200, 200, 200, 200], [403, 403, 403]),
        ("all", [200, 200, 200, 200, 200], [204, 204, 204]),
        ("statements/write", [403, 403, 403, 403, 403], [403, 403, 403]),
    ];
    for (scope, reads, merges) in table {
        let added =
            node.admin().post("/auth/clients", &json!({ "scopes": [scope] }))?.expect(201)?;
        let added = added.json()?;
        let text = |name: &str| added[name].as_str().map(str::to_owned).context("no credentials");
        let client = node.anonymous().with_header("x-experience-api-version", "1.0.3");
        let client = client.with_basic(&format!("{}:{}", text("key")?, text("secret")?));
        let paths = [&of_state, &of_activity, &of_agent, &agents, &activities];
        for (path, status) in paths.into_iter().zip(reads) {
            client.get(path)?.expect(status).with_context(|| format!("{scope} reads {path}"))?;
        }
        for (path, status) in [&of_state, &of_activity, &of_agent].into_iter().zip(merges) {
            let merged = client.post(path, &json!({}))?.expect(status);
            merged.with_context(|| format!("{scope} merges into {path}"))?;
        }
    }
    let stranger = node.anonymous().with_header("x-experience-api-version", "1.0.3");
    for path in [&of_state, &of_activity, &of_agent, &agents, &activities] {
        stranger.get(path)?.expect(401)?;
    }
    Ok(())
}

#[test]
fn a_launched_unit_has_the_documents_of_its_learner() -> Result<()> {
    let (node, browser) = launch::classroom()?;
    let launch = launch::launch(&browser)?;
    let unit = launch::unit(&node, &launch)?;
    let (own, registration) = (launch["actor"].as_str(), launch["registration"].as_str());
    let states = |agent: &str, registration: &str, id: &str| {
        let of = [("activityId", ACTIVITY), ("agent", agent), ("registration", registration)];
        document((STATE, &of, "stateId"), id)
    };
    let profile = |agent: &str| document((AGENT_PROFILE, &[("agent", agent)], "profileId"), "p");
    let elsewhere = statement::new_id();
    for path in [states(own, registration, "bookmark"), profile(own)] {
        put(&unit, &path, "application/json", b"{}")?;
        unit.post(&path, &json!({ "a": 1 }))?.expect(204)?;
        assert_eq!(unit.get(&path)?.expect(200)?.json()?, json!({ "a": 1 }));
    }
    let foreign = [
        states(EVE, registration, "s"),
        states(own, &elsewhere, "s"),
        document((STATE, &[("activityId", ACTIVITY), ("agent", own)], "stateId"), "s"),
        profile(EVE),
    ];
    for path in foreign {
        unit.get(&path)?.expect(403)?;
        unit.post(&path, &json!({}))?.expect(403)?;
        unit.delete(&path)?.expect(403)?;
    }
    // How it was launched is for it to read, and so are the profiles of activities.
    let all = states(own, registration, "").replace("&stateId=", "");
    for path in [states(own, registration, "LMS.LaunchData"), document(RESOURCES[1], "p")] {
        put(&node.xapi(), &path, "application/json", b"{}")?;
        unit.get(&path)?.expect(200)?;
        unit.post(&path, &json!({}))?.expect(403)?;
        unit.delete(&path)?.expect(403)?;
    }
    assert_eq!(unit.get(&all)?.expect(200)?.json()?, json!(["LMS.LaunchData", "bookmark"]));
    unit.delete(&all)?.expect(403)?;
    unit.get(&address("/xapi/agents", &[("agent", own)]))?.expect(200)?;
    unit.get(&address("/xapi/agents", &[("agent", EVE)]))?.expect(403)?;
    unit.get(&address("/xapi/activities", &[("activityId", ACTIVITY)]))?.expect(200)?;

    let learner = node.anonymous().with_basic("ada:a-long-password");
    let learner = learner.with_header("x-experience-api-version", "1.0.3");
    learner.get(&states(own, registration, "bookmark"))?.expect(200)?;
    learner.post(&states(own, registration, "bookmark"), &json!({}))?.expect(403)?;
    learner.get(&states(EVE, registration, "bookmark"))?.expect(403)?;
    learner.get(&profile(own))?.expect(200)?;
    learner.get(&address("/xapi/agents", &[("agent", EVE)]))?.expect(403)?;
    Ok(())
}
