//! The answer to "who is this, and what may they do?", as it travels between components.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Who was recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Subject {
    /// Someone who signed in with a browser.
    Person {
        /// Sign-in name.
        name: String,
        /// How pages show the person.
        display_name: String,
        /// What the person may do.
        role: Role,
    },
    /// An xAPI client with credentials of its own.
    Client {
        /// The client's key.
        key: String,
    },
    /// A launched unit, recording for one learner.
    Launch {
        /// Registration UUID; the only one it may record for.
        registration: String,
        /// Activity IRI of the launched unit.
        activity: String,
        /// Sign-in name of the learner.
        learner: String,
    },
    /// Another node.
    Node {
        /// Its `node_id`.
        id: String,
    },
}

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Takes courses, sees the own record.
    Learner,
    /// Everything.
    Administrator,
}

/// What may be done with the record store (xAPI 1.0.3, part 3, 4.2, OAuth scopes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    /// Record statements.
    #[serde(rename = "statements/write")]
    StatementsWrite,
    /// Read the statements the same credentials recorded.
    #[serde(rename = "statements/read/mine")]
    StatementsReadMine,
    /// Read all statements.
    #[serde(rename = "statements/read")]
    StatementsRead,
    /// Read and write state documents.
    #[serde(rename = "state")]
    State,
    /// Read and write profile documents.
    #[serde(rename = "profile")]
    Profile,
    /// Read everything.
    #[serde(rename = "all/read")]
    AllRead,
    /// Everything.
    #[serde(rename = "all")]
    All,
}

/// A recognised subject with its rights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Who it is.
    pub subject: Subject,
    /// What it may do with the record store.
    pub scopes: BTreeSet<Scope>,
    /// The xAPI agent the subject acts as, as JSON: the learner of a launch, the person signed in, or
    /// the client.
    pub agent: String,
}

impl Verdict {
    /// Whether the rights include this one.
    pub fn allows(&self, scope: Scope) -> bool {
        let reads = matches!(scope, Scope::StatementsRead | Scope::StatementsReadMine);
        self.scopes.contains(&Scope::All)
            || self.scopes.contains(&scope)
            || (reads && self.scopes.contains(&Scope::AllRead))
            || (scope == Scope::StatementsReadMine && self.scopes.contains(&Scope::StatementsRead))
    }

    /// Whether it may administer the node.
    pub fn is_administrator(&self) -> bool {
        matches!(self.subject, Subject::Person { role: Role::Administrator, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(scopes: &[Scope]) -> Verdict {
        let subject = Subject::Client { key: "k".into() };
        Verdict { subject, scopes: scopes.iter().copied().collect(), agent: "{}".into() }
    }

    #[test]
    fn wider_scopes_include_narrower_ones() {
        assert!(with(&[Scope::All]).allows(Scope::State));
        assert!(with(&[Scope::AllRead]).allows(Scope::StatementsRead));
        assert!(with(&[Scope::StatementsRead]).allows(Scope::StatementsReadMine));
        assert!(!with(&[Scope::AllRead]).allows(Scope::StatementsWrite));
        assert!(!with(&[Scope::StatementsReadMine]).allows(Scope::StatementsRead));
        assert!(!with(&[]).allows(Scope::StatementsRead));
    }

    #[test]
    fn it_travels_as_json() {
        let verdict = with(&[Scope::StatementsWrite]);
        let text = serde_json::to_string(&verdict).unwrap();
        assert!(text.contains(r#""statements/write""#), "{text}");
        assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict);
    }
}
