//! A person as HTTP has one, and what becomes of it in the store. No I/O.
//!
//! A new field of a person goes into each of these three, and the compiler then leads to where it
//! is taken in and told.

use hedgeschool_credentials::Role;
use serde::{Deserialize, Serialize};

use crate::account::{read_role, stored_role};
use crate::place::Place;
use crate::store::types::Person;

/// A person to add.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    name: String,
    display_name: String,
    role: Role,
    password: String,
    /// The node that the person belongs to; `*`: to all. This one, if not given, or all if this is
    /// a hub.
    home: Option<String>,
}

/// What of a person to change.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonChange {
    display_name: Option<String>,
    role: Option<Role>,
    password: Option<String>,
    home: Option<String>,
}

/// A person as administrators see one.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct ListedPerson {
    name: String,
    display_name: String,
    role: Role,
    /// The node that the person belongs to. Null: to all.
    home: Option<String>,
}

impl NewPerson {
    /// The person to store; `hash` makes what is kept of a password.
    ///
    /// # Errors
    /// What `hash` answers of a password that nobody may have.
    pub fn into_stored<E>(
        self,
        place: &Place,
        hash: impl Fn(&str) -> Result<String, E>,
    ) -> Result<Person, E> {
        let Self { name, display_name, role, password, home } = self;
        let (password_hash, home) = (hash(&password)?, place.choose_home(home));
        Ok(Person { name, display_name, role: stored_role(role), password_hash, home })
    }
}

impl PersonChange {
    /// The person with what is to change; what is not given stays.
    ///
    /// # Errors
    /// What `hash` answers of a password that nobody may have.
    pub fn apply_to<E>(
        self,
        mut person: Person,
        place: &Place,
        hash: impl Fn(&str) -> Result<String, E>,
    ) -> Result<Person, E> {
        let Self { display_name, role, password, home } = self;
        if let Some(display_name) = display_name {
            person.display_name = display_name;
        }
        if let Some(role) = role {
            person.role = stored_role(role);
        }
        if let Some(password) = password {
            person.password_hash = hash(&password)?;
        }
        if home.is_some() {
            person.home = place.choose_home(home);
        }
        Ok(person)
    }
}

impl From<Person> for ListedPerson {
    fn from(person: Person) -> Self {
        let Person { name, display_name, role, password_hash: _, home } = person;
        Self { name, display_name, role: read_role(role), home }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn place() -> Place {
        Place { node: "galway".into(), has_upstream: true }
    }

    fn hash(password: &str) -> Result<String, &'static str> {
        if password.len() < 8 { Err("too short") } else { Ok(format!("hash of {password}")) }
    }

    fn add(more: Value) -> Result<Person, &'static str> {
        let mut new = json!({ "name": "ada", "display_name": "Ada", "role": "learner",
            "password": "long enough" });
        new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value::<NewPerson>(new).unwrap().into_stored(&place(), hash)
    }

    fn change(person: Person, change: Value) -> Result<Person, &'static str> {
        let change: PersonChange = serde_json::from_value(change).unwrap();
        change.apply_to(person, &place(), hash)
    }

    fn seen(person: &Person) -> (ListedPerson, String) {
        (person.clone().into(), person.password_hash.clone())
    }

    #[test]
    fn somebody_new_is_stored_as_told_and_listed_without_the_password() {
        let ada = add(json!({})).unwrap();
        assert_eq!(ada.password_hash, "hash of long enough");
        let listed = serde_json::to_value(ListedPerson::from(ada)).unwrap();
        let expected =
            json!({ "name": "ada", "display_name": "Ada", "role": "learner", "home": "galway" });
        assert_eq!(listed, expected);
        assert_eq!(add(json!({ "home": "*" })).unwrap().home, None);
        assert_eq!(add(json!({ "password": "short" })).unwrap_err(), "too short");
    }

    #[test]
    fn what_is_not_known_of_a_person_is_refused() {
        let unknown = json!({ "name": "a", "display_name": "A", "role": "learner",
            "password": "long enough", "is_admin": true });
        assert!(serde_json::from_value::<NewPerson>(unknown).is_err());
        for change in [json!({ "name": "b" }), json!({ "role": "teacher" })] {
            assert!(serde_json::from_value::<PersonChange>(change).is_err());
        }
    }

    #[test]
    fn a_change_that_is_refused_changes_nothing() {
        let ada = add(json!({})).unwrap();
        let refused = change(ada, json!({ "role": "administrator", "password": "short" }));
        assert_eq!(refused.unwrap_err(), "too short");
    }

    proptest! {
        /// A change has what it gives, keeps what it does not, and a second time changes nothing.
        #[test]
        fn a_change_is_of_what_it_names(
            display_name in prop::option::of("[A-Z]{1,4}"),
            administers in prop::option::of(any::<bool>()),
            password in prop::option::of("[a-z]{8,12}"),
            home in prop::option::of("[a-z]{1,4}|\\*"),
        ) {
            let ada = add(json!({})).unwrap();
            let role = administers.map(|it| if it { "administrator" } else { "learner" });
            let mut asked = json!({ "display_name": &display_name, "role": role,
                "password": &password, "home": &home });
            asked.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            let changed = change(ada.clone(), asked.clone()).unwrap();
            let expected = ListedPerson {
                name: "ada".into(),
                display_name: display_name.unwrap_or(ada.display_name.clone()),
                role: if administers == Some(true) { Role::Administrator } else { Role::Learner },
                home: match home {
                    Some(home) => Some(home).filter(|home| home != "*"),
                    None => ada.home.clone(),
                },
            };
            let kept = password.map_or(ada.password_hash.clone(), |it| hash(&it).unwrap());
            prop_assert_eq!(seen(&changed), (expected, kept));
            let again = change(changed.clone(), asked).unwrap();
            prop_assert_eq!(seen(&again), seen(&changed));
        }
    }
}
