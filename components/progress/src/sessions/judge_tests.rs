use hedgeschool_cmi5::vocabulary::{
    CATEGORY_CMI5, CATEGORY_MOVE_ON, COMPLETED, INITIALIZED, SESSION_ID, TERMINATED,
};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::sessions::test_session::test_session;
use crate::store::types;

const READ: Marks = Marks::LAUNCH_DATA.union(Marks::PREFERENCES);

fn state(marks: Marks, registration: Marks, completed: bool, passed: bool) -> SessionState {
    let session = types::Session {
        id: "s".into(),
        registration: String::new(),
        agent: String::new(),
        activity: String::new(),
        about: serde_json::to_string(&test_session()).unwrap(),
        begun: 0,
    };
    SessionState {
        session,
        marks: marks.bits(),
        registration_marks: registration.bits(),
        latest: 0,
        completed,
        passed,
    }
}

fn trial(marks: Marks) -> Trial {
    Trial { so_far: marks_so_far(&state(marks, marks, false, false)), new: Marks::empty() }
}

fn statement(verb: &str) -> Value {
    let categories: &[&str] =
        if verb == COMPLETED { &[CATEGORY_CMI5, CATEGORY_MOVE_ON] } else { &[CATEGORY_CMI5] };
    let categories: Vec<_> = categories.iter().map(|id| json!({ "id": id })).collect();
    let mut result = json!({"duration": "PT1S"});
    if verb == COMPLETED {
        result["completion"] = json!(true);
    }
    json!({
        "id": "00000000-0000-4000-8000-000000000002",
        "timestamp": "2026-11-29T12:00:00Z",
        "actor": {"account": {"homePage": "https://example.org", "name": "ada"}},
        "verb": {"id": verb},
        "object": {"id": "urn:uuid:1"},
        "result": result,
        "context": {
            "registration": test_session().registration,
            "contextActivities": {"category": categories},
            "extensions": {SESSION_ID: "s"},
        },
    })
}

#[test]
fn a_statement_counts_for_those_that_follow_in_the_same_request() {
    let session = test_session();
    let mut trial = trial(READ);
    for verb in [INITIALIZED, COMPLETED, TERMINATED] {
        trial.weigh_statement(&statement(verb), &session).unwrap();
    }
    assert_eq!(trial.new, Marks::INITIALIZED | Marks::COMPLETED | Marks::TERMINATED);
    let late = trial.weigh_statement(&statement(COMPLETED), &session).unwrap_err();
    assert!(!late.may_be_known, "the session has ended");
    let again = trial.weigh_statement(&statement(TERMINATED), &session).unwrap_err();
    assert!(again.may_be_known, "its answer may have been lost");
}

#[test]
fn what_is_refused_marks_nothing() {
    let mut trial = trial(Marks::empty());
    let early = trial.weigh_statement(&statement(COMPLETED), &test_session()).unwrap_err();
    assert!(early.may_be_known && early.violation.to_string().contains("9.3.2"));
    assert!(trial.new.is_empty() && trial.so_far.session.is_empty());
}

proptest! {
    #[test]
    fn what_is_reached_elsewhere_counts_for_the_registration(
        own: u8, registration: u8, completed: bool, passed: bool,
    ) {
        let [own, registration] = [own, registration].map(Marks::from_bits_truncate);
        let so_far = marks_so_far(&state(own, registration, completed, passed));
        let mut expected = registration;
        if completed {
            expected |= Marks::COMPLETED;
        }
        if passed {
            expected |= Marks::PASSED;
        }
        prop_assert_eq!(so_far, History { session: own, registration: expected });
    }
}
