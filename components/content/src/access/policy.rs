//! Who may read files of a course, and for whom others may answer then (ADR 20, 24).

use hedgeschool_credentials::{Scope, Subject, Verdict};

/// Why a file may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The address says so: it was made for a learner.
    Granted,
    /// Anybody may.
    Anybody,
    /// The request's credentials say so.
    Known,
}

/// For browsers that somebody else may use next, too: the address is a learner's own.
const IMMUTABLE_FOR_ONE: &str = "private, max-age=31536000, immutable";
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Whoever may read it has to show that each time.
const ASK_AGAIN: &str = "private, no-cache";
/// How long a host may answer for us (ADR 24), in seconds: together with what an instance remembers
/// it is a minute until who was removed reads no more.
const VOUCHED_SECONDS: u32 = 30;

/// What credentials are good for, where no address says it and the course is not public: everybody
/// with an account here takes any course. None: they are for something else.
pub fn access_by(verdict: &Verdict) -> Option<Access> {
    let may_read_all = match verdict.subject {
        Subject::Person { .. } | Subject::Node { .. } => true,
        Subject::Client { .. } => verdict.may_read(Scope::All),
        Subject::Launch { .. } => false,
    };
    may_read_all.then_some(Access::Known)
}

impl Access {
    /// How long, and for whom, caches may keep what never changes.
    pub fn cache_control(self) -> &'static str {
        match self {
            Self::Granted => IMMUTABLE_FOR_ONE,
            Self::Anybody => IMMUTABLE,
            Self::Known => ASK_AGAIN,
        }
    }

    /// What tells the host that whoever has an address may be given what others got below theirs,
    /// if it is the package's for the same kind of reader. `path` is the address, and ends with
    /// what it has below the package's. None: it has to ask.
    pub fn vouch_for(self, path: &str, below: &str, package: &str) -> Option<String> {
        let kind = match self {
            Self::Granted => "granted",
            Self::Anybody => "public",
            Self::Known => return None,
        };
        let prefix = path.strip_suffix(below).filter(|prefix| prefix.ends_with('/'))?;
        let key = format!("{kind}/{package}");
        Some(format!("max-age={VOUCHED_SECONDS}, prefix=\"{prefix}\", key=\"{key}\""))
    }
}

#[cfg(test)]
mod tests {
    use hedgeschool_credentials::Role;
    use proptest::prelude::*;

    use super::*;

    fn verdict(subject: Subject, scopes: &[Scope]) -> Verdict {
        Verdict { subject, scopes: scopes.iter().copied().collect(), agent: "{}".into() }
    }

    fn person(role: Role) -> Subject {
        let (display_name, browser) = Default::default();
        Subject::Person { name: "ada".into(), display_name, role, browser }
    }

    fn client() -> Subject {
        Subject::Client { key: "k".into() }
    }

    fn launch() -> Subject {
        let (registration, session, activity, learner) = Default::default();
        Subject::Launch { registration, session, activity, learner }
    }

    #[test]
    fn who_has_an_account_reads_and_who_has_a_launch_does_not() {
        for (subject, scopes, expected) in [
            (person(Role::Learner), &[][..], Some(Access::Known)),
            (person(Role::Administrator), &[], Some(Access::Known)),
            (Subject::Node { id: "edge".into() }, &[], Some(Access::Known)),
            (client(), &[Scope::All], Some(Access::Known)),
            (client(), &[Scope::AllRead], Some(Access::Known)),
            (client(), &[Scope::StatementsRead, Scope::State, Scope::Profile], None),
            (client(), &[], None),
            (launch(), &[Scope::All], None),
        ] {
            let verdict = verdict(subject, scopes);
            assert_eq!(access_by(&verdict), expected, "{verdict:?}");
        }
    }

    #[test]
    fn nothing_that_credentials_open_is_kept_for_others() {
        assert_eq!(Access::Known.vouch_for("/content/p/x/a", "a", "x"), None);
        assert_eq!(Access::Known.cache_control(), "private, no-cache");
        assert!(Access::Granted.cache_control().starts_with("private,"));
        assert!(Access::Anybody.cache_control().starts_with("public,"));
    }

    #[test]
    fn a_grant_is_not_vouched_for_as_if_anybody_could_read() {
        let vouch = |access: Access| access.vouch_for("/content/f/g/x/a/b", "a/b", "x").unwrap();
        assert_eq!(
            vouch(Access::Granted),
            "max-age=30, prefix=\"/content/f/g/x/\", key=\"granted/x\""
        );
        assert!(vouch(Access::Anybody).ends_with("key=\"public/x\""));
    }

    proptest! {
        /// A host that is told a prefix answers below it: never beyond the address's own package.
        #[test]
        fn what_is_vouched_for_is_a_folder_of_the_address(
            path in "(/[a-z]{0,3}){0,5}", below in "[a-z/]{0,6}",
        ) {
            if let Some(header) = Access::Anybody.vouch_for(&path, &below, "x") {
                let prefix = header.split('"').nth(1).unwrap();
                prop_assert!(prefix.ends_with('/'));
                prop_assert_eq!(format!("{prefix}{below}"), path);
            }
        }
    }
}
