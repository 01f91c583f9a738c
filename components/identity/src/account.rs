//! Whom a sign-in name stands for, and whose password counts. No I/O.
//!
//! The operator names the first administrator in a variable, beside the people of the store. Where
//! both have a name, the operator's password is the one that opens, so that nobody can lock the
//! operator out; what the store says of that person stands.

use hedgeschool_credentials::{Pair, Role, are_equal, is_name, verify_password};

use crate::store::types::{Person, Role as StoredRole};

/// What is known of a sign-in name.
pub struct Account {
    /// The operator's administrator, if the name is that one's.
    operator: Option<Pair>,
    /// The person of this name in the store.
    stored: Option<Person>,
}

impl Account {
    /// What is known of a name: the first administrator counts if it is that one's.
    pub fn new(name: &str, operator: Option<Pair>, stored: Option<Person>) -> Self {
        Self { operator: operator.filter(|operator| operator.name == name), stored }
    }

    /// Whether anybody has the name.
    pub fn is_known(&self) -> bool {
        self.operator.is_some() || self.stored.is_some()
    }

    /// Whether this is the password that counts.
    pub fn has_password(&self, password: &str) -> bool {
        match (&self.operator, &self.stored) {
            (Some(operator), _) => are_equal(&operator.secret, password),
            (None, Some(person)) => verify_password(password, &person.password_hash),
            (None, None) => false,
        }
    }

    /// How the person is shown, and what they may do. None: there is nobody.
    pub fn into_profile(self) -> Option<(String, Role)> {
        match (self.stored, self.operator) {
            (Some(stored), _) => Some((stored.display_name, read_role(stored.role))),
            (None, Some(operator)) => Some((operator.name, Role::Administrator)),
            (None, None) => None,
        }
    }
}

/// Whether it is of use to ask other nodes for somebody of this name: a name that nobody can have
/// is none of theirs either.
pub fn may_be_elsewhere(name: &str, account: &Account) -> bool {
    is_name(name) && !account.is_known()
}

/// A stored role as the rest of the app names it.
pub fn read_role(stored: StoredRole) -> Role {
    match stored {
        StoredRole::Learner => Role::Learner,
        StoredRole::Administrator => Role::Administrator,
    }
}

/// The same, the other way round.
pub fn stored_role(role: Role) -> StoredRole {
    match role {
        Role::Learner => StoredRole::Learner,
        Role::Administrator => StoredRole::Administrator,
    }
}

#[cfg(test)]
mod tests {
    use hedgeschool_credentials::hash_password;

    use super::*;

    fn operator() -> Option<Pair> {
        Some(Pair { name: "root".into(), secret: "operator's".into() })
    }

    fn stored(name: &str) -> Option<Person> {
        Some(Person {
            name: name.into(),
            display_name: "Somebody".into(),
            role: StoredRole::Learner,
            password_hash: hash_password("a pupil's", &[1; 16]).unwrap(),
            home: None,
        })
    }

    #[test]
    fn of_two_with_one_name_the_operators_password_opens_and_the_store_says_who_it_is() {
        let both = || Account::new("root", operator(), stored("root"));
        assert!(both().has_password("operator's") && !both().has_password("a pupil's"));
        assert_eq!(both().into_profile(), Some(("Somebody".into(), Role::Learner)));
    }

    #[test]
    fn the_operators_administrator_needs_nobody_in_the_store() {
        let alone = || Account::new("root", operator(), None);
        assert!(alone().is_known() && alone().has_password("operator's"));
        assert!(!alone().has_password("") && !alone().has_password("operator's "));
        assert_eq!(alone().into_profile(), Some(("root".into(), Role::Administrator)));
    }

    #[test]
    fn the_operators_password_opens_no_other_name() {
        let ada = || Account::new("ada", operator(), stored("ada"));
        assert!(ada().has_password("a pupil's") && !ada().has_password("operator's"));
        assert_eq!(ada().into_profile(), Some(("Somebody".into(), Role::Learner)));
    }

    #[test]
    fn nobody_has_no_password_and_may_be_elsewhere() {
        let nobody = || Account::new("bob", operator(), None);
        assert!(!nobody().is_known() && !nobody().has_password("operator's"));
        assert_eq!(nobody().into_profile(), None);
        assert!(may_be_elsewhere("bob", &nobody()));
        for name in ["", "Bob", "bob smith", "client:bob", &"b".repeat(65)] {
            assert!(!may_be_elsewhere(name, &Account::new(name, operator(), None)), "{name}");
        }
        assert!(!may_be_elsewhere("root", &Account::new("root", operator(), None)));
        assert!(!may_be_elsewhere("ada", &Account::new("ada", None, stored("ada"))));
    }

    #[test]
    fn roles_are_the_same_in_the_store_and_outside() {
        for role in [Role::Learner, Role::Administrator] {
            assert_eq!(read_role(stored_role(role)), role);
        }
    }
}
