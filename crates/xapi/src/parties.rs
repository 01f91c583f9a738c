//! Whose a statement is.

use crate::actor;
use crate::json::Json;

/// Whom a statement is about and who vouches for it: what decides who may record and read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parties {
    /// Identifier of the actor, as [`crate::agent_id`] writes it. None: an anonymous group.
    pub agent: Option<String>,
    /// Registration UUID, lower case.
    pub registration: Option<String>,
    /// Identifier of the authority.
    pub authority: Option<String>,
}

impl Parties {
    /// The parties of a statement that passed validation.
    pub fn of(statement: &Json) -> Self {
        let registration = statement.find(&["context", "registration"]).and_then(Json::as_str);
        Self {
            agent: statement.get("actor").and_then(actor::identifier),
            registration: registration.map(str::to_ascii_lowercase),
            authority: statement.get("authority").and_then(actor::identifier),
        }
    }
}
