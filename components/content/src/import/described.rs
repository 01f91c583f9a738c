//! A course as its package describes it, as the store takes it.

use hedgeschool_cmi5::launch;
use hedgeschool_package::{self as package, Course};

use crate::store::{Block, LaunchMethod, MoveOn, NewCourse, Unit};

/// The course to publish.
pub fn new_course(described: &Course) -> NewCourse {
    let course = described.id.as_str();
    let blocks = described.blocks.iter().map(|block| Block {
        id: block.id.clone(),
        activity: launch::activity_id(course, &block.id),
        title: block.title.clone(),
        parent: block.parent.and_then(list_index),
    });
    NewCourse {
        id: described.id.clone(),
        title: described.title.clone(),
        description: described.description.clone(),
        units: described.units.iter().map(|unit| new_unit(course, unit)).collect(),
        blocks: (!described.blocks.is_empty()).then(|| blocks.collect()),
        is_public: None,
        withdrawn: None,
    }
}

/// A place in a list that is far shorter than this.
fn list_index(position: usize) -> Option<u32> {
    position.try_into().ok()
}

fn new_unit(course: &str, unit: &package::Unit) -> Unit {
    Unit {
        id: unit.id.clone(),
        activity: launch::activity_id(course, &unit.id),
        title: unit.title.clone(),
        url: unit.url.clone(),
        player: unit.player.name().map(str::to_owned),
        launch_method: match unit.launch_method {
            package::LaunchMethod::AnyWindow => LaunchMethod::AnyWindow,
            package::LaunchMethod::OwnWindow => LaunchMethod::OwnWindow,
        },
        launch_parameters: unit.launch_parameters.clone(),
        move_on: match unit.move_on {
            package::MoveOn::Passed => MoveOn::Passed,
            package::MoveOn::Completed => MoveOn::Completed,
            package::MoveOn::CompletedAndPassed => MoveOn::CompletedAndPassed,
            package::MoveOn::CompletedOrPassed => MoveOn::CompletedOrPassed,
            package::MoveOn::NotApplicable => MoveOn::NotApplicable,
        },
        mastery_score: unit.mastery_score,
        entitlement_key: Some(unit.entitlement_key.clone()).filter(|key| !key.is_empty()),
        block: unit.block.and_then(list_index),
    }
}
