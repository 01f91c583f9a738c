//! `hedgeschool:identity/launches`.

use hedgeschool_sql::{Row, Value};

use crate::bindings::Store;
use crate::bindings::exports::hedgeschool::identity::launches::Guest;
use crate::bindings::types::{Error, Launch};
use crate::columns::placeholders;
use crate::database::DATABASE;

/// What is stored of a launch, in the order in which [`into_values`] and [`read_launch`] have it.
const COLUMNS: &str = "registration, session, learner, activity, expires_ms";

impl Guest for Store {
    async fn open(launch: Launch, fetch_hash: String) -> Result<(), Error> {
        let (sql, parameters) = open_statement(launch, fetch_hash);
        Ok(DATABASE.execute(&sql, &parameters).await?)
    }

    async fn redeem(
        fetch_hash: String,
        bearer_hash: String,
        now: i64,
    ) -> Result<Option<Launch>, Error> {
        let parameters = [Value::Text(fetch_hash), Value::Text(bearer_hash), Value::Integer(now)];
        find_launch(&redeem_sql(), &parameters).await
    }

    async fn find(bearer_hash: String, now: i64) -> Result<Option<Launch>, Error> {
        find_launch(&find_sql(), &[Value::Text(bearer_hash), Value::Integer(now)]).await
    }
}

/// Opens a launch under the hash of its fetch token.
pub fn open_statement(launch: Launch, fetch_hash: String) -> (String, Vec<Value>) {
    let sql =
        format!("INSERT INTO launch ({COLUMNS}, fetch_hash) VALUES ({})", placeholders(COLUMNS, 1));
    let mut parameters = into_values(launch);
    parameters.push(Value::Text(fetch_hash));
    (sql, parameters)
}

/// A fetch token (?1) is redeemed once, for the bearer of a hash (?2), and not after the launch has
/// ended (?3: now).
pub fn redeem_sql() -> String {
    format!(
        "UPDATE launch SET bearer_hash = ?2
        WHERE fetch_hash = ?1 AND bearer_hash IS NULL AND expires_ms > ?3 RETURNING {COLUMNS}"
    )
}

/// A bearer (?1) stands for its launch until that has ended (?2: now).
pub fn find_sql() -> String {
    format!("SELECT {COLUMNS} FROM launch WHERE bearer_hash = ?1 AND expires_ms > ?2")
}

async fn find_launch(sql: &str, parameters: &[Value]) -> Result<Option<Launch>, Error> {
    let row = DATABASE.query_one(sql, parameters).await?;
    Ok(row.map(read_launch).transpose()?)
}

/// The values of [`COLUMNS`].
fn into_values(launch: Launch) -> Vec<Value> {
    let Launch { registration, session, learner, activity, expires } = launch;
    vec![
        Value::Text(registration),
        Value::Text(session),
        Value::Text(learner),
        Value::Text(activity),
        Value::Integer(expires),
    ]
}

/// A launch from a row of [`COLUMNS`].
fn read_launch(mut row: Row) -> Result<Launch, hedgeschool_sql::Error> {
    Ok(Launch {
        registration: row.take()?,
        session: row.take()?,
        learner: row.take()?,
        activity: row.take()?,
        expires: row.take()?,
    })
}
