//! The stores, as this component uses them, and how their failures look on a page.

#[allow(missing_docs)]
mod content_bindings {
    wit_bindgen::generate!({
        path: "../../wit/content",
        world: "client",
    });
}

#[allow(missing_docs)]
mod progress_bindings {
    wit_bindgen::generate!({
        path: "../../wit/progress",
        world: "client",
    });
}

use std::collections::HashMap;

use hedgeschool_web::Problem;

pub use content_bindings::hedgeschool::content::packages as content;
#[cfg(test)]
pub use content_bindings::hedgeschool::content::types::Withdrawal;
pub use content_bindings::hedgeschool::content::types::{
    Block, Course, CourseSummary, LaunchMethod, MoveOn, Unit, UnitPlace,
};
pub use progress_bindings::hedgeschool::progress::completions::{self, Changes, Completion};
pub use progress_bindings::hedgeschool::progress::types::{
    DocumentKind, DocumentScope, Filter, StoredStatement,
};
pub use progress_bindings::hedgeschool::progress::{directory, documents, statements};

use content_bindings::hedgeschool::content::types::Error as ContentError;
use progress_bindings::hedgeschool::progress::types::Error as ProgressError;

/// What a learner has reached, by activity.
///
/// # Errors
/// 503 if the store is busy, 500 if it fails.
pub async fn load_completions(agent_id: &str) -> Result<HashMap<String, Completion>, Problem> {
    let reached = completions::of_agent(agent_id.to_owned()).await?;
    Ok(reached.into_iter().map(|reached| (reached.activity.clone(), reached)).collect())
}

/// What a unit asks for, as cmi5 has it.
pub fn to_cmi5_move_on(stored: MoveOn) -> hedgeschool_package::MoveOn {
    use hedgeschool_package::MoveOn as Cmi5;
    match stored {
        MoveOn::Passed => Cmi5::Passed,
        MoveOn::Completed => Cmi5::Completed,
        MoveOn::CompletedAndPassed => Cmi5::CompletedAndPassed,
        MoveOn::CompletedOrPassed => Cmi5::CompletedOrPassed,
        MoveOn::NotApplicable => Cmi5::NotApplicable,
    }
}

impl From<ContentError> for Problem {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Busy => Self::busy(),
            // What the portal asks for is its own doing: nothing here is the reader's mistake.
            other => Self::internal(format!("content store: {other:?}")),
        }
    }
}

impl From<ProgressError> for Problem {
    fn from(error: ProgressError) -> Self {
        match error {
            ProgressError::Busy => Self::busy(),
            other => Self::internal(format!("progress store: {other:?}")),
        }
    }
}
