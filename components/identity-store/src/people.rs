//! `hedgeschool:identity/people`.

use std::time::{SystemTime, UNIX_EPOCH};

use hedgeschool_sql::{Error as SqlError, Row, Value};

use crate::bindings::exports::hedgeschool::identity::people::Guest;
use crate::rules::{check_label, check_name};
use crate::types::{Error, Person, Role};
use crate::{DATABASE, Store};

const COLUMNS: &str =
    "SELECT name, display_name, role, password_hash, home FROM person WHERE NOT removed";

impl Guest for Store {
    async fn add(person: Person) -> Result<(), Error> {
        if put(person, false, "absent").await? { Ok(()) } else { Err(Error::Taken) }
    }

    async fn change(person: Person) -> Result<bool, Error> {
        put(person, false, "present").await
    }

    async fn remove(name: String) -> Result<bool, Error> {
        match Self::find(name).await? {
            Some(person) => put(person, true, "present").await,
            None => Ok(false),
        }
    }

    async fn find(name: String) -> Result<Option<Person>, Error> {
        let sql = format!("{COLUMNS} AND name = ?1");
        let row = DATABASE.query_one(&sql, &[Value::Text(name)]).await?;
        Ok(row.map(person).transpose()?)
    }

    async fn list(after: Option<String>) -> Result<Vec<Person>, Error> {
        let sql = format!("{COLUMNS} AND name > ?1 ORDER BY name LIMIT 1000");
        let rows = DATABASE.query(&sql, &[Value::Text(after.unwrap_or_default())]).await?;
        Ok(rows.into_iter().map(person).collect::<Result<_, _>>()?)
    }
}

/// Puts a person as a change made now. False: there is one, or none, where the condition wants the
/// other.
async fn put(person: Person, removed: bool, condition: &str) -> Result<bool, Error> {
    check_name("name", &person.name)?;
    check_label("display_name", &person.display_name)?;
    if let Some(home) = &person.home {
        check_name("home", home)?;
    }
    let sql = "INSERT INTO put_person
        (name, display_name, role, password_hash, home, removed, now_us, condition)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let parameters = [
        Value::Text(person.name),
        Value::Text(person.display_name),
        Value::from(text(person.role)),
        Value::Text(person.password_hash),
        person.home.map_or(Value::Null, Value::Text),
        Value::Integer(removed.into()),
        Value::Integer(now_us()),
        Value::from(condition),
    ];
    match DATABASE.execute(sql, &parameters).await {
        Err(error) if error.raised() == Some("precondition") => Ok(false),
        put => Ok(put.map(|()| true)?),
    }
}

/// Microseconds since 1970.
pub fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_micros().try_into().unwrap_or(i64::MAX)
}

fn text(role: Role) -> &'static str {
    match role {
        Role::Learner => "learner",
        Role::Administrator => "administrator",
    }
}

fn person(mut row: Row) -> Result<Person, SqlError> {
    let (name, display_name, role): (_, _, String) = (row.take()?, row.take()?, row.take()?);
    // The table's check allows no third.
    let role = if role == text(Role::Administrator) { Role::Administrator } else { Role::Learner };
    Ok(Person { name, display_name, role, password_hash: row.take()?, home: row.take()? })
}
