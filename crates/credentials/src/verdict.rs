//! The answer to "who is this, and what may they do?", as it travels between components.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Scope;

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
        /// By what the browser that signed in knows the session for its own; see [`Session`].
        ///
        /// [`Session`]: crate::Session
        #[serde(default)]
        browser: String,
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
        /// Session UUID.
        session: String,
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

/// A recognised subject with its rights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Who it is.
    pub subject: Subject,
    /// What it may do with the record store.
    pub scopes: BTreeSet<Scope>,
    /// The xAPI agent the subject acts as, as JSON: the learner of a launch, the person signed in,
    /// or the client. It becomes the authority of the statements that the subject records.
    pub agent: String,
}

/// The statements that `statements/read/mine` lets a subject read.
///
/// The standard says: those with the authority that the same credentials would record under. That
/// fits a program. People and launched units do not record for themselves alone, so "mine" is for
/// them what a learner would call so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mine<'a> {
    /// Those whose authority is this agent, as JSON: what a client has recorded, about whomever.
    RecordedBy(&'a str),
    /// Those whose actor is an agent, whoever has recorded them.
    About {
        /// The agent as JSON: the person who signed in, or the learner of a launch.
        agent: &'a str,
        /// The only registration it may read of, as UUID. None: all, for a person.
        registration: Option<&'a str>,
    },
}

impl Verdict {
    /// Whether it may do all that the scope stands for: `allows(State)` is reading *and* writing
    /// state documents. Who only wants to read asks [`Verdict::may_read`].
    pub fn allows(&self, scope: Scope) -> bool {
        let wider: &[Scope] = match scope {
            Scope::All => &[],
            Scope::StatementsReadMine => &[Scope::StatementsRead, Scope::AllRead, Scope::All],
            Scope::StatementsRead => &[Scope::AllRead, Scope::All],
            Scope::StatementsWrite
            | Scope::State
            | Scope::Define
            | Scope::Profile
            | Scope::AllRead => &[Scope::All],
        };
        self.scopes.contains(&scope) || wider.iter().any(|wider| self.scopes.contains(wider))
    }

    /// Whether it may read what the scope is about, with that scope or with one that reads
    /// everything: `may_read(State)` is reading state documents. A scope that is about writing
    /// alone opens nothing.
    pub fn may_read(&self, scope: Scope) -> bool {
        let is_for_reading = !matches!(scope, Scope::StatementsWrite | Scope::Define);
        is_for_reading && (self.allows(scope) || self.allows(Scope::AllRead))
    }

    /// What `statements/read/mine` covers for this subject. It grants nothing: ask
    /// [`Verdict::allows`] first, and [`Scope::StatementsRead`] before this.
    pub fn mine(&self) -> Mine<'_> {
        let agent = self.agent.as_str();
        match &self.subject {
            // A node has no scopes and records nothing under its own name.
            Subject::Client { .. } | Subject::Node { .. } => Mine::RecordedBy(agent),
            Subject::Person { .. } => Mine::About { agent, registration: None },
            Subject::Launch { registration, .. } => {
                Mine::About { agent, registration: Some(registration) }
            }
        }
    }

    /// Whether it is a launched unit.
    pub fn is_launch(&self) -> bool {
        matches!(self.subject, Subject::Launch { .. })
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

    /// The scopes that one scope allows, in the order of [`Scope::KNOWN`].
    fn allowed_by(scope: Scope) -> Vec<Scope> {
        let verdict = with(&[scope]);
        Scope::KNOWN.into_iter().filter(|scope| verdict.allows(*scope)).collect()
    }

    #[test]
    fn a_scope_allows_itself_and_the_narrower_ones() {
        use Scope::*;
        assert_eq!(allowed_by(StatementsWrite), [StatementsWrite]);
        assert_eq!(allowed_by(StatementsReadMine), [StatementsReadMine]);
        assert_eq!(allowed_by(StatementsRead), [StatementsReadMine, StatementsRead]);
        assert_eq!(allowed_by(State), [State]);
        assert_eq!(allowed_by(Define), [Define]);
        assert_eq!(allowed_by(Profile), [Profile]);
        assert_eq!(allowed_by(AllRead), [StatementsReadMine, StatementsRead, AllRead]);
        assert_eq!(allowed_by(All), Scope::KNOWN);
        assert!(Scope::KNOWN.into_iter().all(|scope| !with(&[]).allows(scope)));
    }

    #[test]
    fn scopes_add_up() {
        let both = with(&[Scope::StatementsWrite, Scope::State]);
        assert!(both.allows(Scope::StatementsWrite) && both.allows(Scope::State));
        assert!(!both.allows(Scope::StatementsReadMine) && !both.allows(Scope::Profile));
    }

    #[test]
    fn all_read_reads_documents_and_writes_none() {
        let reader = with(&[Scope::AllRead]);
        for documents in [Scope::State, Scope::Profile] {
            assert!(reader.may_read(documents) && !reader.allows(documents));
            assert!(with(&[documents]).may_read(documents));
            assert!(!with(&[Scope::StatementsRead]).may_read(documents));
        }
        assert!(reader.may_read(Scope::StatementsRead) && reader.may_read(Scope::All));
        assert!(!reader.may_read(Scope::StatementsWrite) && !reader.may_read(Scope::Define));
        assert!(!with(&[Scope::StatementsWrite]).may_read(Scope::StatementsWrite));
        assert!(!with(&[Scope::StatementsReadMine]).may_read(Scope::StatementsRead));
    }

    #[test]
    fn mine_is_what_a_client_recorded_and_what_is_about_a_learner() {
        let of = |subject| Verdict { subject, ..with(&[]) };
        assert_eq!(with(&[]).mine(), Mine::RecordedBy("{}"));
        let launch = of(Subject::Launch {
            registration: "r".into(),
            session: "s".into(),
            activity: "a".into(),
            learner: "ada".into(),
        });
        assert_eq!(launch.mine(), Mine::About { agent: "{}", registration: Some("r") });
        let person = of(Subject::Person {
            name: "ada".into(),
            display_name: "Ada".into(),
            role: Role::Learner,
            browser: String::new(),
        });
        assert_eq!(person.mine(), Mine::About { agent: "{}", registration: None });
    }

    #[test]
    fn it_travels_as_json() {
        let verdict = with(&[Scope::StatementsWrite]);
        let text = serde_json::to_string(&verdict).unwrap();
        assert!(text.contains(r#""statements/write""#), "{text}");
        assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict);
    }
}
