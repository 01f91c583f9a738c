//! The identifiers of cmi5's statements (9.3 to 9.6).

/// The unit was started by the LMS (9.3.1).
pub const LAUNCHED: &str = "http://adlnet.gov/expapi/verbs/launched";
/// The unit is ready (9.3.2).
pub const INITIALIZED: &str = "http://adlnet.gov/expapi/verbs/initialized";
/// All of it was seen (9.3.3).
pub const COMPLETED: &str = "http://adlnet.gov/expapi/verbs/completed";
/// The learner has passed (9.3.4).
pub const PASSED: &str = "http://adlnet.gov/expapi/verbs/passed";
/// The learner has not passed (9.3.5).
pub const FAILED: &str = "http://adlnet.gov/expapi/verbs/failed";
/// The session ended by itself (9.3.8).
pub const TERMINATED: &str = "http://adlnet.gov/expapi/verbs/terminated";
/// The LMS ended a session that did not end by itself (9.3.6).
pub const ABANDONED: &str = "https://w3id.org/xapi/adl/verbs/abandoned";
/// Somebody else decided that the unit counts as done (9.3.7).
pub const WAIVED: &str = "https://w3id.org/xapi/adl/verbs/waived";
/// All of a block or course is done (9.3.9).
pub const SATISFIED: &str = "https://w3id.org/xapi/adl/verbs/satisfied";
/// Takes a statement back (xAPI), which no unit may (6.3).
pub const VOIDED: &str = "http://adlnet.gov/expapi/verbs/voided";

/// The category of the statements that cmi5 defines (9.6.2.1).
pub const CATEGORY_CMI5: &str = "https://w3id.org/xapi/cmi5/context/categories/cmi5";
/// The category of those that count for `moveOn` (9.6.2.2).
pub const CATEGORY_MOVE_ON: &str = "https://w3id.org/xapi/cmi5/context/categories/moveon";

/// Extensions of the context (9.6.3).
pub const SESSION_ID: &str = "https://w3id.org/xapi/cmi5/context/extensions/sessionid";
/// The score from which a unit is passed.
pub const MASTERY_SCORE: &str = "https://w3id.org/xapi/cmi5/context/extensions/masteryscore";
/// How it was launched.
pub const LAUNCH_MODE: &str = "https://w3id.org/xapi/cmi5/context/extensions/launchmode";
/// Where it was launched, without what the launch added.
pub const LAUNCH_URL: &str = "https://w3id.org/xapi/cmi5/context/extensions/launchurl";
/// What it asks for.
pub const MOVE_ON: &str = "https://w3id.org/xapi/cmi5/context/extensions/moveon";
/// What it was told.
pub const LAUNCH_PARAMETERS: &str =
    "https://w3id.org/xapi/cmi5/context/extensions/launchparameters";

/// Extension of the result: why a unit was waived (9.5.5.2).
pub const REASON: &str = "https://w3id.org/xapi/cmi5/result/extensions/reason";

/// Types of activities (9.4).
pub const TYPE_BLOCK: &str = "https://w3id.org/xapi/cmi5/activitytype/block";
/// A course.
pub const TYPE_COURSE: &str = "https://w3id.org/xapi/cmi5/activitytype/course";

/// The state document that tells a unit how it was launched (10).
pub const LAUNCH_DATA: &str = "LMS.LaunchData";
/// The agent profile document with what a learner prefers (11).
pub const PREFERENCES: &str = "cmi5LearnerPreferences";
