use serde_json::json;

use super::*;
use crate::session::tests::session as zero_session;

const READY: Marks = Marks::LAUNCH_DATA.union(Marks::PREFERENCES).union(Marks::INITIALIZED);

fn session() -> Session {
    Session { mastery_score: Some(0.9), ..zero_session() }
}

fn statement(verb: &str, result: Value, categories: &[&str]) -> Value {
    let categories: Vec<_> = categories.iter().map(|id| json!({"id": id})).collect();
    json!({
        "id": "e0a0e0c0-0000-4000-8000-000000000000",
        "timestamp": "2026-11-29T12:00:00Z",
        "actor": {"account": {"homePage": "https://example.org", "name": "ada"}},
        "verb": {"id": verb},
        "object": {"id": "urn:uuid:1"},
        "result": result,
        "context": {
            "registration": "R",
            "contextActivities": {"category": categories},
            "extensions": {SESSION_ID: "s", MASTERY_SCORE: 0.9},
        },
    })
}

fn defined(verb: &str, result: Value) -> Value {
    let counts: &[&str] = match verb {
        INITIALIZED | TERMINATED => &[CATEGORY_CMI5],
        _ => &[CATEGORY_CMI5, CATEGORY_MOVE_ON],
    };
    statement(verb, result, counts)
}

fn allowed() -> Value {
    statement("http://adlnet.gov/expapi/verbs/experienced", json!({}), &[])
}

fn completed() -> Value {
    defined(COMPLETED, json!({"completion": true, "duration": "PT1S"}))
}

fn passed(score: Value) -> Value {
    defined(PASSED, json!({"success": true, "duration": "PT1S", "score": score}))
}

fn failed(score: Value) -> Value {
    defined(FAILED, json!({"success": false, "duration": "PT1S", "score": score}))
}

fn terminated() -> Value {
    defined(TERMINATED, json!({"duration": "PT1S"}))
}

fn ready() -> History {
    History { session: READY, registration: READY }
}

fn after(session: Marks, registration: Marks) -> History {
    History { session: READY | session, registration: READY | session | registration }
}

/// The section whose rule is broken.
fn broken(statement: &Value, so_far: History) -> &'static str {
    match judge_statement(statement, &session(), so_far) {
        Ok(marks) => panic!("taken as {marks:?}"),
        Err(violation) => violation.section,
    }
}

fn without(mut statement: Value, place: &str, name: &str) -> Value {
    statement.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    statement
}

fn with(mut statement: Value, place: &str, value: Value) -> Value {
    *statement.pointer_mut(place).unwrap() = value;
    statement
}

#[test]
fn a_session_in_order_is_taken() {
    let read = Marks::LAUNCH_DATA | Marks::PREFERENCES;
    let mut so_far = History { session: read, registration: read };
    let score = json!({"scaled": 0.9, "raw": 90, "min": 0, "max": 100});
    for statement in [
        defined(INITIALIZED, json!({})),
        allowed(),
        completed(),
        passed(score),
        allowed(),
        terminated(),
    ] {
        let marks = judge_statement(&statement, &session(), so_far).unwrap();
        so_far.session |= marks;
        so_far.registration |= marks;
    }
    let all = READY | Marks::COMPLETED | Marks::PASSED | Marks::TERMINATED;
    assert_eq!(so_far.session, all);
    assert_eq!(broken(&allowed(), so_far), "9.3.8");
}

#[test]
fn only_what_ended_a_session_is_sent_again_after_it() {
    let ended = after(Marks::TERMINATED, Marks::empty());
    assert!(may_repeat(&completed(), after(Marks::COMPLETED, Marks::empty())));
    assert!(may_repeat(&terminated(), ended) && !may_repeat(&completed(), ended));
}

#[test]
fn nothing_comes_before_the_unit_is_ready() {
    let read = History { session: Marks::LAUNCH_DATA | Marks::PREFERENCES, ..History::default() };
    for statement in [allowed(), completed(), terminated()] {
        assert_eq!(broken(&statement, read), "9.3.2");
    }
    let initialized = defined(INITIALIZED, json!({}));
    assert_eq!(broken(&initialized, ready()), "9.3.2");
    let hasty = |session| History { session, ..History::default() };
    assert_eq!(broken(&initialized, hasty(Marks::PREFERENCES)), "10");
    assert_eq!(broken(&initialized, hasty(Marks::LAUNCH_DATA)), "11");
}

#[test]
fn every_statement_is_the_launchs_own() {
    let (id, registration) = ("/context/extensions", "/context/registration");
    let wrong = [
        (without(allowed(), "", "id"), "9.1"),
        (without(allowed(), "", "timestamp"), "9.7"),
        (with(allowed(), "/timestamp", json!("2026-11-29T12:00:00-06:00")), "9.7"),
        (with(allowed(), "/actor", json!({"mbox": "mailto:a@example.org"})), "9.2"),
        (with(allowed(), "/verb/id", json!(VOIDED)), "6.3"),
        (with(allowed(), registration, json!("other")), "9.6.1"),
        (without(allowed(), id, SESSION_ID), "9.6.3.1"),
        (without(allowed(), "", "context"), "9.6.1"),
        (with(completed(), "/object/id", json!("https://example.org/u")), "8.1.5"),
    ];
    for (statement, section) in wrong {
        assert_eq!(broken(&statement, ready()), section, "{statement}");
    }
    let mut group = passed(json!({"scaled": 1.0}));
    group["actor"]["objectType"] = json!("Group");
    assert_eq!(broken(&group, ready()), "9.2");
}

#[test]
fn categories_go_with_verbs() {
    let experienced = "http://adlnet.gov/expapi/verbs/experienced";
    for (verb, categories) in [
        (COMPLETED, &[CATEGORY_CMI5][..]),
        (TERMINATED, &[CATEGORY_CMI5, CATEGORY_MOVE_ON]),
        (experienced, &[CATEGORY_MOVE_ON]),
    ] {
        assert_eq!(broken(&statement(verb, json!({}), categories), ready()), "9.6.2.2");
    }
    for verb in [LAUNCHED, ABANDONED, WAIVED, SATISFIED, experienced] {
        assert_eq!(broken(&statement(verb, json!({}), &[CATEGORY_CMI5]), ready()), "9.3");
    }
}

#[test]
fn results_say_what_the_verb_says() {
    let result = |statement: Value, name: &str, value: Value| {
        let mut statement = statement;
        statement["result"][name] = value;
        statement
    };
    let pass = || passed(json!({"scaled": 0.95}));
    let wrong = [
        (without(completed(), "/result", "completion"), "9.5.3"),
        (result(completed(), "completion", json!(false)), "9.5.3"),
        (result(completed(), "success", json!(true)), "9.5.2"),
        (result(completed(), "score", json!({"scaled": 0.5})), "9.5.1"),
        (without(completed(), "/result", "duration"), "9.5.4.1"),
        (without(terminated(), "/result", "duration"), "9.5.4.1"),
        (result(pass(), "completion", json!(true)), "9.5.3"),
        (result(pass(), "success", json!(false)), "9.5.2"),
        (without(pass(), "/result", "success"), "9.5.2"),
        (passed(json!({"scaled": 0.89})), "9.3.4, 9.3.5"),
        (failed(json!({"scaled": 0.9})), "9.3.4, 9.3.5"),
        (passed(json!({"scaled": 0.9, "raw": 9, "max": 10})), "9.5.1"),
        (without(pass(), "/context/extensions", MASTERY_SCORE), "9.6.3.2"),
    ];
    for (statement, section) in wrong {
        assert_eq!(broken(&statement, ready()), section, "{statement}");
    }
    let bare = without(passed(json!(null)), "/result", "score");
    assert_eq!(judge_statement(&bare, &session(), ready()), Ok(Marks::PASSED));
}

#[test]
fn a_mastery_score_of_nought_is_one_and_may_stay_unsaid() {
    let unsaid = without(passed(json!({"scaled": 0.0})), "/context/extensions", MASTERY_SCORE);
    assert_eq!(judge_statement(&unsaid, &zero_session(), ready()), Ok(Marks::PASSED));
    let failed = without(failed(json!({"scaled": 0.0})), "/context/extensions", MASTERY_SCORE);
    assert!(judge_statement(&failed, &zero_session(), ready()).is_err());
}

#[test]
fn what_counts_counts_once() {
    let (pass, fail) = (passed(json!({"scaled": 1.0})), failed(json!({"scaled": 0.1})));
    assert_eq!(broken(&completed(), after(Marks::empty(), Marks::COMPLETED)), "9.3");
    assert_eq!(broken(&pass, after(Marks::empty(), Marks::PASSED)), "9.3");
    assert_eq!(broken(&pass, after(Marks::FAILED, Marks::empty())), "9.3");
    assert_eq!(broken(&fail, after(Marks::FAILED, Marks::empty())), "9.3");
    assert_eq!(broken(&fail, after(Marks::empty(), Marks::PASSED)), "9.3");
    let again = after(Marks::empty(), Marks::FAILED);
    assert_eq!(judge_statement(&fail, &session(), again), Ok(Marks::FAILED));
    assert_eq!(judge_statement(&pass, &session(), again), Ok(Marks::PASSED));
}

#[test]
fn nothing_counts_in_other_modes() {
    for mode in [LaunchMode::Browse, LaunchMode::Review] {
        let session = Session { mode, ..session() };
        assert_eq!(judge_statement(&completed(), &session, ready()).unwrap_err().section, "10.2.2");
        assert_eq!(judge_statement(&terminated(), &session, ready()), Ok(Marks::TERMINATED));
    }
}

#[test]
fn preferences_are_languages_and_sound() {
    let both = |languages: &str, sound: &str| {
        check_preferences(&json!({"languagePreference": languages, "audioPreference": sound}))
    };
    assert_eq!(both("en-US,fr-FR, ga", "on"), Ok(()));
    assert!(both("not comma separated", "on").is_err());
    assert!(both("", "off").is_err() && both("en", "loud").is_err());
    assert!(check_preferences(&json!({"languagePreference": "en"})).is_err());
    assert!(check_preferences(&json!("on")).is_err());
}
