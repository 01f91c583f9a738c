//! What a PUT of a document asks of the document that is there (2.3, 2.6, 2.7, 3.1).

use hedgeschool_xapi::Version;

use crate::conditional::Conditions;
use crate::store::types::{DocumentKind, Precondition};

/// What must hold for a PUT.
#[derive(Clone, Debug)]
pub enum PutRule {
    /// This, by the request's conditions.
    If(Precondition),
    /// There must be no document: the request says nothing of the one that it would replace.
    IfNew,
    /// It is refused in any case: 1.0.3 wants a condition.
    Never,
}

impl PutRule {
    /// The rule of a resource in a version: 1.0.3 lets states be replaced blindly, 2.0 nothing.
    pub fn of(kind: DocumentKind, version: Version, conditions: Conditions) -> Self {
        match (kind, version) {
            _ if !conditions.is_empty() => Self::If(conditions.into_precondition()),
            (DocumentKind::State, Version::V1_0) => Self::If(Precondition::None),
            (_, Version::V1_0) => Self::Never,
            (_, Version::V2_0) => Self::IfNew,
        }
    }
}

#[cfg(test)]
mod tests {
    use hedgeschool_web::Method;

    use super::*;
    use crate::call::test_call;

    fn rule(kind: DocumentKind, version: Version, headers: &[(&str, &str)]) -> String {
        let conditions = Conditions::of_change(&test_call(Method::PUT, "", headers)).unwrap();
        format!("{:?}", PutRule::of(kind, version, conditions))
    }

    #[test]
    fn conditions_hold_whatever_is_put() {
        let profile = DocumentKind::ActivityProfile;
        for version in [Version::V1_0, Version::V2_0] {
            for kind in [DocumentKind::State, profile, DocumentKind::AgentProfile] {
                let new = rule(kind, version, &[("if-none-match", "*")]);
                assert_eq!(new, format!("{:?}", PutRule::If(Precondition::Absent)));
                let same = rule(kind, version, &[("if-match", "\"a\"")]);
                let matches = Precondition::Matches(vec!["a".into()]);
                assert_eq!(same, format!("{:?}", PutRule::If(matches)));
            }
        }
    }

    #[test]
    fn what_may_be_put_blindly_depends_on_the_version() {
        let (state, profile) = (DocumentKind::State, DocumentKind::AgentProfile);
        let none = format!("{:?}", PutRule::If(Precondition::None));
        assert_eq!(rule(state, Version::V1_0, &[]), none);
        assert_eq!(rule(profile, Version::V1_0, &[]), "Never");
        assert_eq!(rule(state, Version::V2_0, &[]), "IfNew");
        assert_eq!(rule(profile, Version::V2_0, &[]), "IfNew");
    }
}
