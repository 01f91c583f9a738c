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

impl Role {
    /// What a person of this role may do with the record store. Learners record by what they are
    /// launched into, never by themselves.
    pub fn default_scopes(self) -> BTreeSet<Scope> {
        match self {
            Self::Administrator => BTreeSet::from([Scope::All]),
            Self::Learner => BTreeSet::from([Scope::StatementsReadMine]),
        }
    }
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
    /// A person with the rights of the role.
    pub fn of_person(name: String, display_name: String, role: Role, agent: String) -> Self {
        let subject = Subject::Person { name, display_name, role, browser: String::new() };
        Self { subject, scopes: role.default_scopes(), agent }
    }

    /// A client with the rights that it was given. Texts that are no scope here stand for rights
    /// that this version cannot grant.
    pub fn of_client<'a>(
        key: String,
        scopes: impl IntoIterator<Item = &'a str>,
        agent: String,
    ) -> Self {
        let scopes = scopes.into_iter().filter_map(|scope| scope.parse().ok()).collect();
        Self { subject: Subject::Client { key }, scopes, agent }
    }

    /// A launched unit (`subject` is a [`Subject::Launch`]): it records and keeps state for its
    /// learner, as whom it acts, and reads what is about that one.
    pub fn of_launch(subject: Subject, agent: String) -> Self {
        let scopes = [Scope::StatementsWrite, Scope::StatementsReadMine, Scope::State];
        Self { subject, scopes: scopes.into(), agent }
    }

    /// A node: it replicates, and may do nothing with the record store.
    pub fn of_node(id: String, agent: String) -> Self {
        Self { subject: Subject::Node { id }, scopes: BTreeSet::new(), agent }
    }

    /// The same, if it is a person's, by the browser that signed in.
    #[must_use]
    pub fn in_browser(mut self, text: String) -> Self {
        if let Subject::Person { browser, .. } = &mut self.subject {
            *browser = text;
        }
        self
    }

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
    fn rights_follow_from_who_it_is() {
        let agent = || "{}".to_owned();
        let person = |role| Verdict::of_person("ada".into(), "Ada".into(), role, agent());
        let (admin, learner) = (person(Role::Administrator), person(Role::Learner));
        assert!(admin.is_administrator() && admin.allows(Scope::All));
        assert!(!learner.is_administrator() && learner.allows(Scope::StatementsReadMine));
        for scope in Scope::KNOWN {
            let is_own = scope == Scope::StatementsReadMine;
            assert!(is_own || !learner.allows(scope) && !learner.may_read(scope), "{scope}");
        }
        let subject = Subject::Launch {
            registration: "r".into(),
            session: "s".into(),
            activity: "a".into(),
            learner: "ada".into(),
        };
        let launch = Verdict::of_launch(subject, agent());
        assert!(launch.is_launch() && !launch.is_administrator());
        let allowed = Scope::KNOWN.into_iter().filter(|scope| launch.allows(*scope));
        let expected = [Scope::StatementsWrite, Scope::StatementsReadMine, Scope::State];
        assert_eq!(allowed.collect::<Vec<_>>(), expected);
        let node = Verdict::of_node("edge".into(), agent());
        assert!(Scope::KNOWN.into_iter().all(|scope| !node.allows(scope) && !node.may_read(scope)));
    }

    #[test]
    fn a_client_has_the_scopes_that_are_known_here_and_is_nobody_who_signs_in() {
        let client = Verdict::of_client("k".into(), ["all", "of a later release"], "{}".into());
        assert_eq!(client.scopes, BTreeSet::from([Scope::All]));
        assert!(!client.is_administrator(), "scopes administer nothing");
        assert_eq!(client.clone().in_browser("b".into()), client);
    }

    #[test]
    fn a_session_tells_its_browser() {
        let ada = Verdict::of_person("ada".into(), "Ada".into(), Role::Learner, "{}".into());
        let Subject::Person { browser, .. } = ada.in_browser("b".into()).subject else { panic!() };
        assert_eq!(browser, "b");
    }

    #[test]
    fn it_travels_as_json() {
        let verdict = with(&[Scope::StatementsWrite]);
        let text = serde_json::to_string(&verdict).unwrap();
        assert!(text.contains(r#""statements/write""#), "{text}");
        assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict);
    }
}
