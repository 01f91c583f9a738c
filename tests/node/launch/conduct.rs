//! What a unit may say in its session (cmi5, 9): the rules themselves are tested in crates/cmi5.

use anyhow::Result;
use serde_json::json;

use super::{Ready, SESSION_ID, ask_for_preferences, classroom, launch, launch_data, unit};

#[test]
fn a_session_begins_ends_and_counts_once() -> Result<()> {
    let (node, browser) = classroom()?;
    let first = Ready::start(&node, &browser, 0, "Normal")?;
    let done = first.statement("completed", json!({ "completion": true, "duration": "PT1S" }))?;
    first.send(&done, 200)?;
    // An answer that was lost is asked for again.
    first.send(&done, 200)?;
    first.say("completed", json!({ "completion": true, "duration": "PT1S" }), 403)?;
    let end = first.statement("terminated", json!({ "duration": "PT2S" }))?;
    first.send(&end, 200)?;
    first.send(&end, 200)?;
    first.send(&done, 403)?;
    first.say("progressed", json!({}), 403)?;
    first
        .unit
        .get("/xapi/activities/state?stateId=x&activityId=a%3Ab&agent=%7B%7D")?
        .expect(400)?;
    assert!(launch_data(&first.unit, &first.launch).is_err(), "its session is over");
    let second = Ready::start(&node, &browser, 0, "Normal")?;
    let session = |it: &Ready| it.data["contextTemplate"]["extensions"][SESSION_ID].clone();
    assert_ne!(session(&first), session(&second));
    assert_eq!(first.launch["registration"], second.launch["registration"]);
    second.say("completed", json!({ "completion": true, "duration": "PT1S" }), 403)
}

#[test]
fn a_unit_reads_how_it_was_launched_before_it_is_ready() -> Result<()> {
    let (node, browser) = classroom()?;
    let launch = launch(&browser)?;
    let unit = unit(&node, &launch)?;
    let hasty = Ready {
        unit,
        launch,
        data: json!({"contextTemplate": {"contextActivities": {}, "extensions": {}}}),
    };
    hasty.say("initialized", json!({}), 403)?;
    let data = launch_data(&hasty.unit, &hasty.launch)?;
    let late = Ready { data, ..hasty };
    late.say("initialized", json!({}), 403)?;
    ask_for_preferences(&late.unit, &late.launch)?;
    late.say("completed", json!({ "completion": true, "duration": "PT1S" }), 403)?;
    late.say("initialized", json!({}), 200)
}

#[test]
fn nothing_counts_for_who_only_looks() -> Result<()> {
    let (node, browser) = classroom()?;
    for mode in ["Browse", "Review"] {
        let looking = Ready::start(&node, &browser, 0, mode)?;
        assert_eq!(looking.data["launchMode"], mode);
        looking.say("completed", json!({ "completion": true, "duration": "PT1S" }), 403)?;
        looking.say("terminated", json!({ "duration": "PT1S" }), 200)?;
    }
    Ok(())
}

#[test]
fn preferences_are_kept_if_they_are_some() -> Result<()> {
    let (node, browser) = classroom()?;
    let Ready { unit, launch, .. } = Ready::start(&node, &browser, 0, "Normal")?;
    let place = super::preferences(&launch);
    let new = unit.clone().with_header("if-none-match", "*");
    let put =
        |body: &str, kind: &str| new.send(http::Method::PUT, &place, Some((kind, body.as_bytes())));
    let good = r#"{"languagePreference":"ga,en-IE","audioPreference":"off"}"#;
    put(good, "text/plain")?.expect(403)?;
    put(r#"{"languagePreference":"ga"}"#, "application/json")?.expect(403)?;
    put("ga", "application/json")?.expect(403)?;
    put(good, "application/json")?.expect(204)?;
    unit.get(&place)?.expect(200)?;
    Ok(())
}
