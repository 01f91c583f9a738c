//! Sessions of learners in units, as the progress component is told of them.

use hedgeschool_cmi5::session::{LaunchMode, Session};

use crate::store::{Unit, to_cmi5_move_on};

/// A session of this actor (JSON) in a unit.
pub fn make_session(
    id: String,
    actor: String,
    registration: &str,
    unit: &Unit,
    mode: LaunchMode,
) -> Session {
    Session {
        id,
        registration: registration.to_owned(),
        actor,
        activity: unit.activity.clone(),
        unit: unit.id.clone(),
        mode,
        move_on: to_cmi5_move_on(unit.move_on),
        mastery_score: unit.mastery_score,
    }
}
