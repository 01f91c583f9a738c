//! `hedgeschool:identity/people`.

use hedgeschool_sql::{Row, Value};

use crate::bindings::exports::hedgeschool::identity::people::Guest;
use crate::rules::{check_label, check_name};
use crate::types::{Error, Person, Role};
use crate::{DATABASE, Store};

const COLUMNS: &str = "SELECT name, display_name, role, password_hash FROM person";

impl Guest for Store {
    async fn add(person: Person) -> Result<(), Error> {
        check_name("name", &person.name)?;
        check_label("display_name", &person.display_name)?;
        let sql = "INSERT INTO person (name, display_name, role, password_hash)
            VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING RETURNING name";
        let parameters = [
            Value::Text(person.name),
            Value::Text(person.display_name),
            Value::from(text(person.role)),
            Value::Text(person.password_hash),
        ];
        let added = DATABASE.query_one(sql, &parameters).await?;
        added.map(drop).ok_or(Error::Taken)
    }

    async fn find(name: String) -> Result<Option<Person>, Error> {
        let sql = format!("{COLUMNS} WHERE name = ?1");
        let row = DATABASE.query_one(&sql, &[Value::Text(name)]).await?;
        Ok(row.map(person).transpose()?)
    }

    async fn list(after: Option<String>) -> Result<Vec<Person>, Error> {
        let sql = format!("{COLUMNS} WHERE name > ?1 ORDER BY name LIMIT 1000");
        let rows = DATABASE.query(&sql, &[Value::Text(after.unwrap_or_default())]).await?;
        Ok(rows.into_iter().map(person).collect::<Result<_, _>>()?)
    }
}

fn text(role: Role) -> &'static str {
    match role {
        Role::Learner => "learner",
        Role::Administrator => "administrator",
    }
}

fn person(mut row: Row) -> Result<Person, hedgeschool_sql::Error> {
    let (name, display_name, role): (_, _, String) = (row.take()?, row.take()?, row.take()?);
    // The table's check allows no third.
    let role = if role == text(Role::Administrator) { Role::Administrator } else { Role::Learner };
    Ok(Person { name, display_name, role, password_hash: row.take()? })
}
