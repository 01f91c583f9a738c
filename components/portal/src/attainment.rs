//! What a learner has reached, in words.

use crate::store::{Completion, MoveOn, to_cmi5_move_on};

/// How far a learner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// No statement speaks of it yet.
    New,
    /// Begun, and neither completed nor passed.
    Going,
    /// Completed or passed.
    Done,
}

impl Stage {
    /// As the style sheet has it.
    pub fn class(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Going => "going",
            Self::Done => "done",
        }
    }
}

/// What a learner has reached in one activity, as pages show it.
#[derive(Debug, PartialEq, Eq)]
pub struct Attainment {
    /// What is reached, for people: `Passed`, `In progress`, …
    pub label: &'static str,
    /// How far that is.
    pub stage: Stage,
    /// The best score in percent.
    pub score: Option<i64>,
    /// The furthest progress, 0 to 100.
    pub progress: Option<u8>,
}

impl Attainment {
    /// In an activity that no statement speaks of yet, or in one that some do.
    pub fn of(completion: Option<&Completion>) -> Self {
        let Some(reached) = completion else {
            return Self { label: "Not started", stage: Stage::New, score: None, progress: None };
        };
        let (label, stage) = match (reached.completed, reached.passed) {
            (true, true) => ("Completed and passed", Stage::Done),
            (_, true) => ("Passed", Stage::Done),
            (true, _) => ("Completed", Stage::Done),
            (false, false) => ("In progress", Stage::Going),
        };
        // Completion stands for all of it (cmi5, 9.3.3), whatever was said on the way.
        let progress = if reached.completed { Some(100) } else { reached.progress };
        Self { label, stage, score: reached.score.map(to_percent), progress }
    }

    /// Whether the activity counts as done.
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// How far the learner is on the way, in percent. None: not on the way, or not known.
    pub fn progress_underway(&self) -> Option<u8> {
        self.progress.filter(|_| self.stage == Stage::Going)
    }
}

/// Whether what was reached is what the unit asks for (cmi5, 13.1.4).
pub fn is_satisfied(reached: Option<&Completion>, move_on: MoveOn) -> bool {
    let completed = reached.is_some_and(|reached| reached.completed);
    let passed = reached.is_some_and(|reached| reached.passed);
    to_cmi5_move_on(move_on).is_met(completed, passed)
}

/// What a unit asks for, as the end of a sentence; empty when it asks for nothing.
pub fn describe_requirement(move_on: MoveOn, mastery_score: Option<f64>) -> String {
    let wanted = match move_on {
        MoveOn::Passed => "Pass it",
        MoveOn::Completed => "Complete it",
        MoveOn::CompletedAndPassed => "Complete and pass it",
        MoveOn::CompletedOrPassed => "Complete or pass it",
        MoveOn::NotApplicable => return String::new(),
    };
    match mastery_score {
        Some(score) => format!("{wanted}; {} % is a pass", to_percent(score)),
        None => wanted.to_owned(),
    }
}

/// A scaled score in percent.
fn to_percent(scaled: f64) -> i64 {
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
    fn attainments_read_as_people_would_say_it() {
        assert_eq!(Attainment::of(None).label, "Not started");
        let done = Attainment::of(Some(&reached(true, true)));
        assert_eq!((done.label, done.score), ("Completed and passed", Some(67)));
        assert_eq!((done.progress, done.progress_underway()), (Some(100), None));
        assert!(done.is_done() && Attainment::of(Some(&reached(false, true))).is_done());
        let going = Attainment::of(Some(&reached(false, false)));
        assert_eq!((going.stage.class(), going.progress_underway()), ("going", Some(75)));
    }

    #[test]
    fn a_unit_is_satisfied_by_what_it_asks_for() {
        assert!(!is_satisfied(Some(&reached(true, false)), MoveOn::CompletedAndPassed));
        assert!(is_satisfied(Some(&reached(true, false)), MoveOn::CompletedOrPassed));
        assert!(!is_satisfied(Some(&reached(true, false)), MoveOn::Passed));
        assert!(is_satisfied(None, MoveOn::NotApplicable));
        assert_eq!(describe_requirement(MoveOn::Passed, Some(0.6)), "Pass it; 60 % is a pass");
        assert_eq!(describe_requirement(MoveOn::NotApplicable, Some(0.6)), "");
    }
}
