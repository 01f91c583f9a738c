//! Storing statements: the one write of this component.

use hedgeschool_journal::check_room;
use hedgeschool_sql::{Error as SqlError, Value};
use hedgeschool_xapi::Facts;
use uuid::Uuid;

use crate::bindings::types::Error;
use crate::database::DATABASE;
use crate::insertion::Statements;
use crate::refusal::Refusal;

pub use crate::clock::now_us;
pub use crate::insertion::{Origin, Other, insertion};

/// Most statements in a batch.
pub const BATCH_MAX: usize = 1_000;

/// A body is not a complete statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotComplete;

/// Stores statements, all or none: durable when it returns.
///
/// # Errors
/// [`Error::Conflict`] with the ids that other statements have; else the database failed.
pub async fn store_batch(bodies: Vec<String>) -> Result<(), Error> {
    check_room(&DATABASE).await?;
    let incomplete = |NotComplete| Error::Other("a body is not a complete statement".into());
    let facts = facts(&bodies).map_err(incomplete)?;
    let statements = Statements { bodies: &bodies, facts: &facts };
    let (sql, now_us) = (statements.sql(), now_us());
    match DATABASE.execute_made(&sql, || statements.parameters(now_us)).await {
        Err(error) if Refusal::of(&error) == Some(Refusal::Conflict) => {
            Err(Error::Conflict(find_taken(&facts).await?))
        }
        stored => Ok(stored?),
    }
}

/// What the database keeps of statements beside their bodies.
///
/// # Errors
/// One of them is not complete.
pub fn facts(bodies: &[String]) -> Result<Vec<Facts>, NotComplete> {
    bodies.iter().map(|body| Facts::of(body).ok_or(NotComplete)).collect()
}

/// The ids that other statements than these have.
async fn find_taken(facts: &[Facts]) -> Result<Vec<String>, SqlError> {
    let sql = "SELECT fingerprint FROM statement WHERE id = ?1";
    let mut taken = Vec::new();
    for Facts { id, fingerprint, .. } in facts {
        let Some(mut row) = DATABASE.query_one(sql, &[Value::Blob(id.to_vec())]).await? else {
            continue;
        };
        if row.take::<Vec<u8>>()? != fingerprint {
            taken.push(Uuid::from_bytes(*id).to_string());
        }
    }
    Ok(taken)
}
