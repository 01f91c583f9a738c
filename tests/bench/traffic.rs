//! The statements that are recorded: a cohort working through its courses.

use rand::RngExt;
use uuid::Builder;

/// Statements of one learner, and of one activity.
const OF_LEARNER: u64 = 200;
const OF_ACTIVITY: u64 = 2_000;
/// What learners do, one as often as the other.
const VERBS: [&str; 5] = ["launched", "experienced", "answered", "progressed", "completed"];

/// Statements by number: the same number is the same statement. Learners, registrations and
/// activities recur, and their statements lie far apart.
#[derive(Clone, Copy)]
pub struct Traffic {
    /// How many statements there are before learners begin anew.
    pub size: u64,
}

impl Traffic {
    /// The id of a statement.
    pub fn id(self, number: u64) -> String {
        uuid(number, 1)
    }

    /// The account of a statement's learner: its name.
    pub fn learner(self, number: u64) -> String {
        format!("learner-{}", number % (self.size / OF_LEARNER).max(1))
    }

    /// The registration of a statement's learner.
    pub fn registration(self, number: u64) -> String {
        uuid(number % (self.size / OF_LEARNER).max(1), 2)
    }

    /// The IRI of a statement's activity.
    pub fn activity(self, number: u64) -> String {
        let activity = scatter(!number) % (self.size / OF_ACTIVITY).max(1);
        format!("https://example.org/courses/hedge/units/{activity}")
    }

    /// The IRI of a statement's verb.
    pub fn verb(self, number: u64) -> String {
        let turn = scatter(number) as usize % VERBS.len();
        format!("http://adlnet.gov/expapi/verbs/{}", VERBS.get(turn).copied().unwrap_or_default())
    }

    /// The statement as JSON, some 700 bytes.
    pub fn statement(self, number: u64) -> String {
        let (id, learner, verb) = (self.id(number), self.learner(number), self.verb(number));
        let (activity, registration) = (self.activity(number), self.registration(number));
        let score = (number % 101) as f64 / 100.0;
        format!(
            r#"{{"id":"{id}","actor":{{"objectType":"Agent","name":"A Learner","account":{{"homePage":"{HOME_PAGE}","name":"{learner}"}}}},"verb":{{"id":"{verb}","display":{{"en":"did"}}}},"object":{{"objectType":"Activity","id":"{activity}","definition":{{"type":"http://adlnet.gov/expapi/activities/lesson","name":{{"en":"A unit over the hedge"}}}}}},"result":{{"score":{{"scaled":{score}}},"duration":"PT4M33S"}},"context":{{"registration":"{registration}","language":"en","contextActivities":{{"parent":[{{"id":"https://example.org/courses/hedge"}}]}}}}}}"#
        )
    }

    /// Statements from `first` on, as the body of one request.
    pub fn batch(self, first: u64, count: u64) -> String {
        let statements: Vec<_> =
            (first..first + count).map(|number| self.statement(number)).collect();
        format!("[{}]", statements.join(","))
    }
}

/// Where the learners' accounts are.
pub const HOME_PAGE: &str = "https://example.org/people";

/// The first of numbers that no statement has had: a new range for each measurement.
pub fn fresh() -> u64 {
    // Above all numbers that fill a store.
    rand::rng().random_range(1_u64 << 40..1 << 60)
}

/// A UUID that looks random, as clients make them: neighbours are far apart in an index.
fn uuid(number: u64, kind: u64) -> String {
    let halves =
        [scatter(number ^ kind << 62), scatter(!number ^ kind << 61)].map(u64::to_be_bytes);
    let bytes = <[u8; 16]>::try_from(halves.concat()).unwrap_or_default();
    Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// SplitMix64's output function: a bijection that leaves no pattern.
fn scatter(number: u64) -> u64 {
    let mixed = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}
