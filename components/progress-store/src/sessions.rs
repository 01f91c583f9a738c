//! `hedgeschool:progress/sessions`.

use hedgeschool_journal::check_room;
use hedgeschool_sql::{Row, Value};

use crate::bindings::Store;
use crate::bindings::exports::hedgeschool::progress::sessions::Guest;
use crate::bindings::types::{Error, Session, SessionState};
use crate::database::DATABASE;

/// Largest description of a session, in bytes.
const ABOUT_BYTES_MAX: usize = 65_536;

/// A session with what is known beside it. SQLite has no sum of bits.
const STATE: &str = "SELECT session.id, session.registration, session.agent, session.activity,
      about, begun_ms, latest_ms, marks,
      (SELECT max(marks & 1) | max(marks & 2) | max(marks & 4) | max(marks & 8)
          | max(marks & 16) | max(marks & 32) | max(marks & 64) | max(marks & 128)
        FROM session AS other
        WHERE other.registration = session.registration AND other.activity = session.activity),
      coalesce(completion.completed, 0), coalesce(completion.passed, 0)
    FROM session LEFT JOIN completion
      ON completion.agent = session.agent AND completion.activity = session.activity";

impl Guest for Store {
    async fn begin(session: Session) -> Result<(), Error> {
        if session.about.len() > ABOUT_BYTES_MAX {
            let rule = format!("what is known of a session has at most {ABOUT_BYTES_MAX} bytes");
            return Err(Error::Invalid(rule));
        }
        check_room(&DATABASE).await?;
        let sql = "INSERT INTO session
              (id, registration, agent, activity, about, begun_ms, latest_ms)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)";
        let Session { id, registration, agent, activity, about, begun } = session;
        let texts = [id, registration, agent, activity, about].map(Value::Text);
        let parameters: Vec<_> = texts.into_iter().chain([Value::Integer(begun)]).collect();
        Ok(DATABASE.execute(sql, &parameters).await?)
    }

    async fn find(id: String) -> Result<Option<SessionState>, Error> {
        let sql = format!("{STATE} WHERE session.id = ?1");
        let row = DATABASE.query_one(&sql, &[Value::Text(id)]).await?;
        Ok(row.map(read_state).transpose()?)
    }

    async fn mark(id: String, marks: u8, now: i64) -> Result<(), Error> {
        let sql = "UPDATE session SET marks = marks | ?2, latest_ms = max(latest_ms, ?3)
            WHERE id = ?1";
        let parameters = [Value::Text(id), Value::Integer(marks.into()), Value::Integer(now)];
        Ok(DATABASE.execute(sql, &parameters).await?)
    }

    async fn without(registration: String, marks: u8) -> Result<Vec<SessionState>, Error> {
        let sql = format!(
            "{STATE} WHERE session.registration = ?1 AND session.marks & ?2 = 0
            ORDER BY session.key LIMIT 1000"
        );
        let parameters = [Value::Text(registration), Value::Integer(marks.into())];
        let rows = DATABASE.query(&sql, &parameters).await?;
        Ok(rows.into_iter().map(read_state).collect::<Result<_, _>>()?)
    }
}

fn read_state(mut row: Row) -> Result<SessionState, hedgeschool_sql::Error> {
    let session = Session {
        id: row.take()?,
        registration: row.take()?,
        agent: row.take()?,
        activity: row.take()?,
        about: row.take()?,
        begun: row.take()?,
    };
    let bits = |bits: u64| u8::try_from(bits).unwrap_or(u8::MAX);
    Ok(SessionState {
        session,
        latest: row.take()?,
        marks: bits(row.take()?),
        registration_marks: bits(row.take()?),
        completed: row.take()?,
        passed: row.take()?,
    })
}
