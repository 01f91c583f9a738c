//! `hedgeschool:identity/people`.

use hedgeschool_sql::Value;

use crate::bindings::Store;
use crate::bindings::exports::hedgeschool::identity::people::Guest;
use crate::bindings::types::{Error, Person};
use crate::clock::now_us;
use crate::columns::placeholders;
use crate::database::DATABASE;
use crate::person::{COLUMNS, check_person, into_values, read_person};

const PAGE_MAX: usize = 1_000;

/// What has to be so for a change to be made.
#[derive(Clone, Copy)]
pub enum Condition {
    /// There is nobody of the name.
    Absent,
    /// There is somebody.
    Present,
}

impl Guest for Store {
    async fn add(person: Person) -> Result<(), Error> {
        if put_person(person, false, Condition::Absent).await? { Ok(()) } else { Err(Error::Taken) }
    }

    async fn change(person: Person) -> Result<bool, Error> {
        put_person(person, false, Condition::Present).await
    }

    async fn remove(name: String) -> Result<bool, Error> {
        match Self::find(name).await? {
            Some(person) => put_person(person, true, Condition::Present).await,
            None => Ok(false),
        }
    }

    async fn find(name: String) -> Result<Option<Person>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM person WHERE NOT removed AND name = ?1");
        let row = DATABASE.query_one(&sql, &[Value::Text(name)]).await?;
        Ok(row.map(read_person).transpose()?)
    }

    async fn list(after: Option<String>) -> Result<Vec<Person>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM person WHERE NOT removed AND name > ?1
            ORDER BY name LIMIT {PAGE_MAX}"
        );
        let rows = DATABASE.query(&sql, &[Value::Text(after.unwrap_or_default())]).await?;
        Ok(rows.into_iter().map(read_person).collect::<Result<_, _>>()?)
    }
}

/// Puts a person as a change made now. False: the condition does not hold.
async fn put_person(person: Person, is_removed: bool, condition: Condition) -> Result<bool, Error> {
    check_person(&person)?;
    let (sql, parameters) = put_statement(person, is_removed, now_us(), condition);
    match DATABASE.execute(&sql, &parameters).await {
        Err(error) if error.raised() == Some("precondition") => Ok(false),
        put => Ok(put.map(|()| true)?),
    }
}

/// The statement that puts a person, and its parameters.
pub fn put_statement(
    person: Person,
    is_removed: bool,
    now_us: i64,
    condition: Condition,
) -> (String, Vec<Value>) {
    let sql = format!(
        "INSERT INTO put_person ({COLUMNS}, removed, now_us, condition) VALUES ({})",
        placeholders(COLUMNS, 3)
    );
    let condition = match condition {
        Condition::Absent => "absent",
        Condition::Present => "present",
    };
    let more = [Value::Integer(is_removed.into()), Value::Integer(now_us), Value::from(condition)];
    (sql, into_values(person).into_iter().chain(more).collect())
}
