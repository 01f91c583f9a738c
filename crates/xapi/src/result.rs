//! The result of a statement (2.4.5).

use crate::check::{At, Checked, Property, optional};
use crate::json::Json;
use crate::scalar;

const RESULT: &[Property] = &[
    optional("score", score),
    optional("success", scalar::boolean),
    optional("completion", scalar::boolean),
    optional("response", scalar::string),
    optional("duration", scalar::duration),
    optional("extensions", scalar::extensions),
];

const SCORE: &[Property] = &[
    optional("scaled", scaled),
    optional("raw", scalar::number),
    optional("min", scalar::number),
    optional("max", scalar::number),
];

/// A result.
pub fn result(at: &At) -> Checked {
    at.properties("2.4.5", &[RESULT])
}

fn scaled(at: &At) -> Checked {
    let holds = at.value.as_f64().is_some_and(|score| (-1.0..=1.0).contains(&score));
    at.require(holds, "2.4.5.1", "must be a number from -1 to 1")
}

fn score(at: &At) -> Checked {
    at.properties("2.4.5.1", &[SCORE])?;
    let number = |name| at.value.get(name).and_then(Json::as_f64);
    let (min, max, raw) = (number("min"), number("max"), number("raw"));
    let ordered = |low: Option<f64>, high: Option<f64>| match (low, high) {
        (Some(low), Some(high)) => low <= high,
        _ => true,
    };
    let range = match (min, max) {
        (Some(min), Some(max)) => min < max,
        _ => true,
    };
    at.require(range, "2.4.5.1", "min must be less than max")?;
    let within = ordered(min, raw) && ordered(raw, max);
    at.require(within, "2.4.5.1", "raw must lie between min and max")
}
