//! Results and scores (2.4.5).

use serde_json::{Value, json};

use crate::{accepted, accepts, not_a, refuses, with};

#[test]
fn results_have_typed_properties() {
    accepted(&with("/result", json!({})));
    refuses("/result", "2.4.5", not_a("object"));
    let truths = not_a("boolean").into_iter().chain([json!("true"), json!(0)]);
    refuses("/result/success", "2.2", truths.clone());
    refuses("/result/completion", "2.2", truths);
    refuses("/result/response", "2.2", not_a("string"));
    refuses("/result/score", "2.4.5.1", not_a("object"));
    accepts("/result/response", [json!(""), json!("a[,]b")]);
}

#[test]
fn scores_lie_in_their_ranges() {
    accepts("/result/score/scaled", [json!(-1), json!(1), json!(1.0), json!(0.333), json!(-0.0)]);
    let beyond = [json!(1.0001), json!(-1.0001), json!(100)];
    refuses("/result/score/scaled", "2.4.5.1", beyond.into_iter().chain(not_a("number")));
    for name in ["raw", "min", "max"] {
        let pointer = format!("/result/score/{name}");
        refuses(&pointer, "2.4.5.1", not_a("number").into_iter().chain([json!("1")]));
        accepts(&pointer, [json!(0), json!(-3.5), json!(1e300)]);
    }
    accepts(
        "/result/score",
        [
            json!({}),
            json!({"min": 0, "max": 10, "raw": 0}),
            json!({"min": 0, "max": 10, "raw": 10}),
            json!({"min": 5, "raw": 6}),
            json!({"max": 5, "raw": -6}),
            json!({"min": -1.5, "max": -1.25}),
        ],
    );
    refuses(
        "/result/score",
        "2.4.5.1",
        [
            json!({"min": 10, "max": 0}),
            json!({"min": 10, "max": 10}),
            json!({"min": 0, "max": 10, "raw": 10.5}),
            json!({"min": 0, "max": 10, "raw": -0.5}),
            json!({"min": 5, "raw": 4}),
            json!({"max": 5, "raw": 6}),
        ],
    );
}

#[test]
fn durations_are_those_of_iso_8601() {
    let durations = ["P4W", "PT0S", "PT4H35M59.14S", "P3Y1M29DT4H35M59.14S", "P1DT12H36M0.12567S"];
    accepts("/result/duration", durations.map(Value::from));
    let others =
        ["", "P", "P4W1D", "PT", "3 minutes", "00:03:00", "-PT1S", "pt1s", "P0000-00-01T00:00:00"];
    refuses("/result/duration", "4.6", others.map(Value::from).into_iter().chain(not_a("string")));
}
