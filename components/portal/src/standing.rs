//! What a learner has reached, in words.

use crate::store::{self, Completion, MoveOn};

/// A learner's standing in one activity, as pages show it.
pub struct Standing {
    /// What is reached, for people: `Passed`, `In progress`, …
    pub label: &'static str,
    /// The same for the style sheet: `done`, `going` or `new`.
    pub kind: &'static str,
    /// The best score in percent.
    pub score: Option<i64>,
    /// The furthest progress, 0 to 100.
    pub progress: Option<u8>,
}

impl Standing {
    /// The standing in an activity that no statement speaks of yet, or in one that some do.
    pub fn of(completion: Option<&Completion>) -> Self {
        let Some(reached) = completion else {
            return Self { label: "Not started", kind: "new", score: None, progress: None };
        };
        let (label, kind) = match (reached.completed, reached.passed) {
            (true, true) => ("Completed and passed", "done"),
            (_, true) => ("Passed", "done"),
            (true, _) => ("Completed", "done"),
            (false, false) => ("In progress", "going"),
        };
        // Completion stands for all of it (cmi5, 9.3.3), whatever was said on the way.
        let progress = if reached.completed { Some(100) } else { reached.progress };
        Self { label, kind, score: reached.score.map(percent), progress }
    }
}

/// Whether what was reached is what the unit asks for (cmi5, 13.1.4).
pub fn satisfies(reached: Option<&Completion>, move_on: MoveOn) -> bool {
    let completed = reached.is_some_and(|reached| reached.completed);
    let passed = reached.is_some_and(|reached| reached.passed);
    store::move_on(move_on).is_met(completed, passed)
}

/// What a unit asks for, as the end of a sentence; empty when it asks for nothing.
pub fn requirement(move_on: MoveOn, mastery_score: Option<f64>) -> String {
    let wanted = match move_on {
        MoveOn::Passed => "Pass it",
        MoveOn::Completed => "Complete it",
        MoveOn::CompletedAndPassed => "Complete and pass it",
        MoveOn::CompletedOrPassed => "Complete or pass it",
        MoveOn::NotApplicable => return String::new(),
    };
    match mastery_score {
        Some(score) => format!("{wanted}; {} % is a pass", percent(score)),
        None => wanted.to_owned(),
    }
}

/// A scaled score in percent.
fn percent(scaled: f64) -> i64 {
    (scaled * 100.0).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(completed: bool, passed: bool) -> Completion {
        Completion {
            activity: "a".into(),
            completed,
            passed,
            score: Some(0.667),
            progress: Some(75),
            duration: 0,
            statements: 1,
            updated: 0,
        }
    }

    #[test]
    fn standings_read_as_people_would_say_it() {
        assert_eq!(Standing::of(None).label, "Not started");
        let standing = Standing::of(Some(&reached(true, true)));
        assert_eq!((standing.label, standing.score), ("Completed and passed", Some(67)));
        assert_eq!(standing.progress, Some(100));
        let going = Completion { progress: Some(75), ..reached(false, false) };
        let standing = Standing::of(Some(&going));
        assert_eq!((standing.kind, standing.progress), ("going", Some(75)));
    }

    #[test]
    fn a_unit_is_satisfied_by_what_it_asks_for() {
        assert!(!satisfies(Some(&reached(true, false)), MoveOn::CompletedAndPassed));
        assert!(satisfies(Some(&reached(true, false)), MoveOn::CompletedOrPassed));
        assert!(!satisfies(Some(&reached(true, false)), MoveOn::Passed));
        assert!(satisfies(None, MoveOn::NotApplicable));
        assert_eq!(requirement(MoveOn::Passed, Some(0.6)), "Pass it; 60 % is a pass");
    }
}
