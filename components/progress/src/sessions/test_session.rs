//! A session, for tests.

use hedgeschool_cmi5::session::{LaunchMode, Session};
use hedgeschool_package::MoveOn;

/// Ada's, in a unit that asks for completion.
pub fn test_session() -> Session {
    Session {
        id: "s".into(),
        registration: "00000000-0000-4000-8000-000000000001".into(),
        actor: r#"{"account":{"homePage":"https://example.org","name":"ada"}}"#.into(),
        activity: "urn:uuid:1".into(),
        unit: "https://example.org/unit".into(),
        mode: LaunchMode::Normal,
        move_on: MoveOn::Completed,
        mastery_score: None,
    }
}
