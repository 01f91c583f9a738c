//! `hedgeschool:identity/launches`.

use hedgeschool_sql::{Row, Value};

use crate::bindings::exports::hedgeschool::identity::launches::Guest;
use crate::types::{Error, Launch};
use crate::{DATABASE, Store};

impl Guest for Store {
    async fn open(launch: Launch, fetch_hash: String) -> Result<(), Error> {
        let sql =
            "INSERT INTO launch (fetch_hash, registration, session, learner, activity, expires_ms)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let parameters = [
            Value::Text(fetch_hash),
            Value::Text(launch.registration),
            Value::Text(launch.session),
            Value::Text(launch.learner),
            Value::Text(launch.activity),
            Value::Integer(launch.expires),
        ];
        Ok(DATABASE.execute(sql, &parameters).await?)
    }

    async fn redeem(
        fetch_hash: String,
        bearer_hash: String,
        now: i64,
    ) -> Result<Option<Launch>, Error> {
        let sql = "UPDATE launch SET bearer_hash = ?2
            WHERE fetch_hash = ?1 AND bearer_hash IS NULL AND expires_ms > ?3
            RETURNING registration, session, learner, activity, expires_ms";
        one(sql, &[Value::Text(fetch_hash), Value::Text(bearer_hash), Value::Integer(now)]).await
    }

    async fn find(bearer_hash: String, now: i64) -> Result<Option<Launch>, Error> {
        let sql = "SELECT registration, session, learner, activity, expires_ms
            FROM launch WHERE bearer_hash = ?1 AND expires_ms > ?2";
        one(sql, &[Value::Text(bearer_hash), Value::Integer(now)]).await
    }
}

async fn one(sql: &str, parameters: &[Value]) -> Result<Option<Launch>, Error> {
    let row = DATABASE.query_one(sql, parameters).await?;
    Ok(row.map(launch).transpose()?)
}

fn launch(mut row: Row) -> Result<Launch, hedgeschool_sql::Error> {
    Ok(Launch {
        registration: row.take()?,
        session: row.take()?,
        learner: row.take()?,
        activity: row.take()?,
        expires: row.take()?,
    })
}
