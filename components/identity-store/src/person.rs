//! A person in the database: the one place where a record's fields and columns meet.
//!
//! A new field of a person has a column in [`COLUMNS`] and in the next migration, which has it in
//! the views and triggers `put_person`, `apply_batch_puts` and `entry`, too; the compiler leads to
//! the two functions that read and write it. As an entry of the journal it is in `entry`.

use hedgeschool_sql::{Error as SqlError, Row, Value};

use crate::bindings::types::{Error, Person, Role};
use crate::rules::{check_label, check_name};

/// What is stored of a person, in the order in which [`into_values`] and [`read_person`] have it.
pub const COLUMNS: &str = "name, display_name, role, password_hash, home";

/// The values of [`COLUMNS`].
pub fn into_values(person: Person) -> Vec<Value> {
    let Person { name, display_name, role, password_hash, home } = person;
    vec![
        Value::Text(name),
        Value::Text(display_name),
        Value::from(role_text(role)),
        Value::Text(password_hash),
        home.map_or(Value::Null, Value::Text),
    ]
}

/// A person from a row of [`COLUMNS`].
///
/// # Errors
/// [`SqlError::Column`] if a column has another type.
pub fn read_person(mut row: Row) -> Result<Person, SqlError> {
    Ok(Person {
        name: row.take()?,
        display_name: row.take()?,
        role: read_role(&row.take::<String>()?),
        password_hash: row.take()?,
        home: row.take()?,
    })
}

/// Refuses a person whom pages, addresses or other nodes could not name.
///
/// # Errors
/// [`Error::Invalid`], with the rule.
pub fn check_person(person: &Person) -> Result<(), Error> {
    check_name("name", &person.name)?;
    check_label("display_name", &person.display_name)?;
    match &person.home {
        Some(home) => check_name("home", home),
        None => Ok(()),
    }
}

fn role_text(role: Role) -> &'static str {
    match role {
        Role::Learner => "learner",
        Role::Administrator => "administrator",
    }
}

/// The table's check allows no third.
fn read_role(text: &str) -> Role {
    if text == role_text(Role::Administrator) { Role::Administrator } else { Role::Learner }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person() -> Person {
        Person {
            name: "ada".into(),
            display_name: "Ada".into(),
            role: Role::Administrator,
            password_hash: "hash".into(),
            home: Some("galway".into()),
        }
    }

    #[test]
    fn each_column_has_a_value_and_roles_are_read_as_they_are_written() {
        assert_eq!(into_values(person()).len(), COLUMNS.split(',').count());
        for role in [Role::Learner, Role::Administrator] {
            assert_eq!(role_text(read_role(role_text(role))), role_text(role));
        }
    }

    #[test]
    fn each_part_of_a_person_has_its_rule() {
        assert!(check_person(&person()).is_ok());
        assert!(check_person(&Person { home: None, ..person() }).is_ok());
        for (wrong, named) in [
            (Person { name: "Ada".into(), ..person() }, "name must"),
            (Person { display_name: " ".into(), ..person() }, "display_name must"),
            (Person { home: Some("a b".into()), ..person() }, "home must"),
        ] {
            let Err(Error::Invalid(rule)) = check_person(&wrong) else { panic!("{named}") };
            assert!(rule.starts_with(named), "{rule}");
        }
    }
}
