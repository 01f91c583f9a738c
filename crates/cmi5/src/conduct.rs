//! What a unit may say, and when (9, 10.2.2, 11): the judge of a session's statements.
//!
//! A statement has passed the rules of xAPI before, and is about the session's own learner.

use bitflags::bitflags;
use serde_json::Value;

use crate::session::{LaunchMode, Session};
use crate::vocabulary::*;

bitflags! {
    /// What has happened in a session.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Marks: u8 {
        /// The unit has read how it was launched (10).
        const LAUNCH_DATA = 1;
        /// It has asked what the learner prefers (11).
        const PREFERENCES = 1 << 1;
        /// It said that it is ready.
        const INITIALIZED = 1 << 2;
        /// That all of it was seen.
        const COMPLETED = 1 << 3;
        /// That the learner has passed.
        const PASSED = 1 << 4;
        /// That the learner has not.
        const FAILED = 1 << 5;
        /// That it ended.
        const TERMINATED = 1 << 6;
        /// The LMS has given it up.
        const ABANDONED = 1 << 7;
    }
}

impl Marks {
    /// Whether it has ended, one way or the other.
    pub fn have_ended(self) -> bool {
        self.intersects(Self::TERMINATED | Self::ABANDONED)
    }
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// In this session.
    pub session: Marks,
    /// In any session of the registration, this one included.
    pub registration: Marks,
}

/// A rule that a statement breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule} (cmi5, {section})")]
pub struct Violation {
    /// The section that has the rule.
    pub section: &'static str,
    /// The rule.
    pub rule: &'static str,
}

type Judgement<T = ()> = Result<T, Violation>;

fn must(holds: bool, section: &'static str, rule: &'static str) -> Judgement {
    if holds { Ok(()) } else { Err(Violation { section, rule }) }
}

/// Judges a statement, and answers what it marks.
///
/// # Errors
/// The first rule that it breaks.
pub fn judge_statement(statement: &Value, session: &Session, so_far: History) -> Judgement<Marks> {
    must(!so_far.session.have_ended(), "9.3.8", "the session has ended: launch the unit again")?;
    check_form(statement, session)?;
    let is_in = |category: &str| {
        let all = statement.pointer("/context/contextActivities/category");
        let one = |it: &Value| it.get("id").is_some_and(|id| id == category);
        all.is_some_and(|all| one(all) || all.as_array().is_some_and(|all| all.iter().any(one)))
    };
    let (is_defined, counts) = (is_in(CATEGORY_CMI5), is_in(CATEGORY_MOVE_ON));
    let is_ready = so_far.session.contains(Marks::INITIALIZED);
    if !is_defined {
        must(!counts, "9.6.2.2", "the category moveon goes with the category cmi5 only")?;
        must(is_ready, "9.3.2", "the first statement of a session is initialized")?;
        return Ok(Marks::empty());
    }
    let says = verb_id(statement);
    let is_judged = matches!(says, COMPLETED | PASSED | FAILED);
    let is_own = statement.pointer("/object/id").is_some_and(|id| *id == session.activity);
    must(is_own, "8.1.5", "the object is the activityId of the launch")?;
    must(counts == is_judged, "9.6.2.2", "completed, passed and failed have the category moveon")?;
    let mark = match says {
        INITIALIZED => return judge_initialized(so_far.session),
        COMPLETED => Marks::COMPLETED,
        PASSED => Marks::PASSED,
        FAILED => Marks::FAILED,
        TERMINATED => Marks::TERMINATED,
        _ => return must(false, "9.3", "a unit has no such verb").map(|()| Marks::empty()),
    };
    must(is_ready, "9.3.2", "the first statement of a session is initialized")?;
    require_field(statement, "/result/duration", "9.5.4.1", "it has a duration")?;
    if is_judged {
        let is_normal = session.mode == LaunchMode::Normal;
        must(is_normal, "10.2.2", "nothing counts in the modes Browse and Review")?;
        check_result(statement, session, mark)?;
        check_order(mark, so_far)?;
    }
    Ok(mark)
}

/// Whether a statement that is recorded already may be sent again, whatever [`judge_statement`]
/// says of it: its answer may have been lost. Once the session has ended, only what ended it.
pub fn may_repeat(statement: &Value, so_far: History) -> bool {
    !so_far.session.have_ended() || verb_id(statement) == TERMINATED
}

/// What holds of all statements, those included that cmi5 does not define.
fn check_form(statement: &Value, session: &Session) -> Judgement {
    require_field(statement, "/id", "9.1", "the unit gives its statements ids")?;
    let is_agent = statement.pointer("/actor/objectType").is_none_or(|kind| kind == "Agent");
    must(is_agent, "9.2", "the actor is an agent")?;
    require_field(statement, "/actor/account", "9.2", "the actor is the account of the launch")?;
    must(verb_id(statement) != VOIDED, "6.3", "a unit takes no statements back")?;
    let time = statement.get("timestamp").and_then(Value::as_str).unwrap_or_default();
    let is_utc = ["Z", "z", "+00:00", "+0000", "+00"].iter().any(|end| time.ends_with(end));
    must(is_utc, "9.7", "the timestamp is there, and in UTC")?;
    let same = |place: &[&str], own: &str| {
        let found = place.iter().try_fold(statement, |value, name| value.get(name));
        found.and_then(Value::as_str).is_some_and(|id| id.eq_ignore_ascii_case(own))
    };
    let is_in_registration = same(&["context", "registration"], &session.registration);
    must(is_in_registration, "9.6.1", "the registration is that of the launch")?;
    let is_in_session = same(&["context", "extensions", SESSION_ID], &session.id);
    must(is_in_session, "9.6.3.1", "the extension sessionid is that of the launch")
}

fn judge_initialized(seen: Marks) -> Judgement<Marks> {
    must(!seen.contains(Marks::INITIALIZED), "9.3.2", "a session is initialized once")?;
    must(seen.contains(Marks::LAUNCH_DATA), "10", "LMS.LaunchData is read before")?;
    let asked = seen.contains(Marks::PREFERENCES);
    must(asked, "11", "cmi5LearnerPreferences is asked for before")?;
    Ok(Marks::INITIALIZED)
}

/// The result of completed, passed or failed (9.5).
fn check_result(statement: &Value, session: &Session, mark: Marks) -> Judgement {
    let result = |name: &str| statement.get("result").and_then(|result| result.get(name));
    let (success, completion) = (result("success"), result("completion"));
    let says = |value: Option<&Value>, wanted: bool| value.is_some_and(|value| *value == wanted);
    if mark == Marks::COMPLETED {
        must(says(completion, true), "9.5.3", "completed says completion: true")?;
        must(success.is_none(), "9.5.2", "completed says nothing of success")?;
        return must(result("score").is_none(), "9.5.1", "completed has no score");
    }
    must(completion.is_none(), "9.5.3", "passed and failed say nothing of completion")?;
    let has_passed = mark == Marks::PASSED;
    must(says(success, has_passed), "9.5.2", "passed says success: true, failed false")?;
    let Some(score) = result("score") else { return Ok(()) };
    let is_whole =
        score.get("raw").is_none() || (score.get("min").is_some() && score.get("max").is_some());
    must(is_whole, "9.5.1", "a raw score has min and max beside it")?;
    let Some(mastery) = session.mastery_score else { return Ok(()) };
    if let Some(scaled) = score.get("scaled").and_then(Value::as_f64) {
        let rule = "passed is from the mastery score on, failed is below it";
        must((scaled >= mastery) == has_passed, "9.3.4, 9.3.5", rule)?;
    }
    let told = statement.pointer("/context/extensions").and_then(|all| all.get(MASTERY_SCORE));
    // Libraries leave out the one that is 0 (@xapi/cmi5 1.4.0).
    let is_told = match told {
        Some(told) => told.as_f64() == Some(mastery),
        None => mastery == 0.0,
    };
    must(is_told, "9.6.3.2", "with a score, the extension masteryscore is that of the launch")
}

/// How often, and after what (9.3).
fn check_order(mark: Marks, so_far: History) -> Judgement {
    let History { session, registration } = so_far;
    if mark == Marks::FAILED {
        must(!session.contains(mark), "9.3", "a session fails once")?;
        let has_passed = registration.contains(Marks::PASSED);
        return must(!has_passed, "9.3", "who has passed does not fail in the same registration");
    }
    must(!registration.contains(mark), "9.3", "a registration is completed once, and passed once")?;
    let has_failed = mark == Marks::PASSED && session.contains(Marks::FAILED);
    must(!has_failed, "9.3", "who has failed does not pass in the same session")
}

fn verb_id(statement: &Value) -> &str {
    statement.pointer("/verb/id").and_then(Value::as_str).unwrap_or_default()
}

fn require_field(
    statement: &Value,
    place: &str,
    section: &'static str,
    rule: &'static str,
) -> Judgement {
    must(statement.pointer(place).is_some(), section, rule)
}

/// Whether a document may be what a learner prefers (11): 400 is for what is no JSON.
///
/// # Errors
/// The first rule that it breaks.
pub fn check_preferences(document: &Value) -> Judgement {
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    let is_tag = |tag: &str| {
        let parts = tag.trim().split('-');
        !tag.trim().is_empty()
            && parts.into_iter().all(|part| {
                (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric())
            })
    };
    let languages = text("languagePreference");
    let are_tags = languages.is_some_and(|list| list.split(',').all(is_tag));
    must(are_tags, "11.1", "languagePreference is a list of language tags with commas")?;
    let is_switch = text("audioPreference").is_some_and(|sound| ["on", "off"].contains(&sound));
    must(is_switch, "11.2", "audioPreference is on or off")
}

#[cfg(test)]
#[path = "conduct_tests.rs"]
mod tests;
