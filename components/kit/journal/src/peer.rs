//! What is remembered of nodes below.

use hedgeschool_journal_types::types::{
    Checkpoint, CheckpointToken, PeerState, Position, Span, WithheldKinds,
};
use hedgeschool_sql::{Database, Row, Value};

use crate::error::Error;
use crate::parameter::integer;

/// Most nodes, or kinds that they were not sent, that one call answers.
const LISTED_MAX: u32 = 10_000;
/// Most kinds that a node may be said not to know.
const WITHHELD_MAX: usize = 1_000;

/// Reads all there is about a node below with one statement: most of what a round without news
/// costs is the number of them.
///
/// # Errors
/// When the database fails, and while something in it cannot be read.
pub async fn read_peer_state(
    database: &Database,
    node: String,
    epoch: String,
) -> Result<PeerState, Error> {
    let sql = "SELECT 'epoch', epoch, '', 0, NULL, NULL, NULL FROM journal_copy
        UNION ALL SELECT 'head', '', '', coalesce(max(sequence), 0), NULL, NULL, NULL FROM journal
        UNION ALL SELECT 'followed', '', '', count(*), NULL, NULL, NULL
          FROM follower WHERE node = ?1
        UNION ALL SELECT 'issued', epoch, receipt, through, NULL, NULL, NULL
          FROM told WHERE node = ?1
        UNION ALL SELECT 'applied', epoch, token, through, fresh_after, fresh_through, fresh_token
          FROM peer_position WHERE node = ?1 AND epoch = ?2
        UNION ALL SELECT 'missed', '', '', through, NULL, NULL, NULL
          FROM peer_missed WHERE node = ?1 AND epoch = ?2
        UNION ALL SELECT 'withheld', kind, '', 0, NULL, NULL, NULL
          FROM peer_withheld WHERE node = ?1
        UNION ALL SELECT 'unread', name, '', 0, NULL, NULL, NULL FROM unread_note";
    let rows = database.query(sql, &[Value::Text(node), Value::Text(epoch)]).await?;
    let mut state = PeerState {
        epoch: String::new(),
        head: 0,
        followed: 0,
        issued: Vec::new(),
        applied: None,
        missed: None,
        withheld: Vec::new(),
    };
    for mut row in rows {
        add_row(&mut state, &mut row)?;
    }
    Ok(state)
}

fn add_row(state: &mut PeerState, row: &mut Row) -> Result<(), Error> {
    let what: String = row.take()?;
    let (name, token, number): (String, String, u64) = (row.take()?, row.take()?, row.take()?);
    match what.as_str() {
        "epoch" => state.epoch = name,
        "head" => state.head = number,
        "followed" => state.followed = number,
        "issued" => state.issued.push(CheckpointToken { epoch: name, through: number, token }),
        "applied" => {
            state.applied = Some(read_position(Checkpoint { sequence: number, token }, row)?)
        }
        "missed" => state.missed = Some(number),
        "withheld" => state.withheld.push(name),
        _ => return Err(unread_note(&name)),
    }
    Ok(())
}

/// A position of which the first checkpoint is read.
fn read_position(through: Checkpoint, row: &mut Row) -> Result<Position, Error> {
    let (after, sequence, token): (Option<u64>, Option<u64>, Option<String>) =
        (row.take()?, row.take()?, row.take()?);
    let fresh = match (after, sequence, token) {
        (None, None, None) => None,
        (Some(after), Some(sequence), Some(token)) => {
            Some(Span { after, through: Checkpoint { sequence, token } })
        }
        _ => return Err(Error::Unreadable("a position has half a fresh span".to_owned())),
    };
    Ok(Position { through, fresh })
}

/// What an earlier release left and nobody can read.
pub(crate) fn unread_note(name: &str) -> Error {
    Error::Unreadable(format!(
        "what an earlier release noted as {name:?} cannot be read: see the table unread_note"
    ))
}

/// How far an epoch of a node's journal is applied.
///
/// # Errors
/// When the database fails.
pub async fn peer_position(
    database: &Database,
    node: String,
    epoch: String,
) -> Result<Option<Position>, Error> {
    let sql = "SELECT through, token, fresh_after, fresh_through, fresh_token FROM peer_position
        WHERE node = ?1 AND epoch = ?2";
    let row = database.query_one(sql, &[Value::Text(node), Value::Text(epoch)]).await?;
    let Some(mut row) = row else { return Ok(None) };
    let through = Checkpoint { sequence: row.take()?, token: row.take()? };
    read_position(through, &mut row).map(Some)
}

/// The nodes of whose journals something is applied, and the epochs of these.
///
/// # Errors
/// When the database fails.
pub async fn peer_epochs(database: &Database) -> Result<Vec<(String, String)>, Error> {
    let sql = "SELECT node, epoch FROM peer_position ORDER BY node, epoch LIMIT ?1";
    let rows = database.query(sql, &[Value::from(LISTED_MAX)]).await?;
    rows.into_iter().map(|mut row| Ok((row.take()?, row.take()?))).collect()
}

/// Takes note that a node is told of a journal, or sent some of it.
///
/// # Errors
/// When the database fails or is full.
pub async fn issue_token(
    database: &Database,
    node: String,
    token: CheckpointToken,
) -> Result<(), Error> {
    let sql = "INSERT INTO told (node, epoch, through, receipt) VALUES (?1, ?2, ?3, ?4)";
    let CheckpointToken { epoch, through, token } = token;
    let parameters = [Value::Text(node), Value::Text(epoch), integer(through), Value::Text(token)];
    Ok(database.execute(sql, &parameters).await?)
}

/// Takes note that a node has told of something that is lost here.
///
/// # Errors
/// When the database fails or is full.
pub async fn set_missed(
    database: &Database,
    node: String,
    epoch: String,
    through: u64,
) -> Result<(), Error> {
    let sql = "INSERT INTO peer_missed (node, epoch, through) VALUES (?1, ?2, ?3)
        ON CONFLICT (node, epoch) DO UPDATE SET through = excluded.through";
    let parameters = [Value::Text(node), Value::Text(epoch), integer(through)];
    Ok(database.execute(sql, &parameters).await?)
}

/// Takes note of the kinds that a node was not sent.
///
/// # Errors
/// When there are too many, and when the database fails or is full.
pub async fn set_withheld(
    database: &Database,
    node: String,
    kinds: Vec<String>,
) -> Result<(), Error> {
    if kinds.len() > WITHHELD_MAX {
        return Err(Error::Invalid(format!("at most {WITHHELD_MAX} kinds are withheld")));
    }
    let sql = "INSERT INTO withholding (node, kinds) VALUES (?1, ?2)";
    let kinds = serde_json::Value::from(kinds).to_string();
    Ok(database.execute(sql, &[Value::Text(node), Value::Text(kinds)]).await?)
}

/// All that nodes below were not sent.
///
/// # Errors
/// When the database fails.
pub async fn read_withheld(database: &Database) -> Result<Vec<WithheldKinds>, Error> {
    let sql = "SELECT node, kind FROM peer_withheld ORDER BY node, kind LIMIT ?1";
    let mut withheld: Vec<WithheldKinds> = Vec::new();
    for mut row in database.query(sql, &[Value::from(LISTED_MAX)]).await? {
        let (node, kind): (String, String) = (row.take()?, row.take()?);
        match withheld.last_mut().filter(|last| last.node == node) {
            Some(last) => last.kinds.push(kind),
            None => withheld.push(WithheldKinds { node, kinds: vec![kind] }),
        }
    }
    Ok(withheld)
}
#[cfg(test)]
mod tests {
    use hedgeschool_replication::tokens::{IssuedTokens, TOKENS_MAX};
    use hedgeschool_replication::wire::Bookmark;
    use rusqlite::Connection;

    fn tell(database: &Connection, through: u64) -> Bookmark {
        let token = format!("token of {through}");
        let sql = "INSERT INTO told (node, epoch, through, receipt) VALUES ('edge', 'e', ?1, ?2)";
        database.execute(sql, (through as i64, &token)).unwrap();
        Bookmark { epoch: "e".to_owned(), through, token }
    }

    fn told(database: &Connection) -> IssuedTokens {
        let sql = "SELECT through, receipt FROM told WHERE node = 'edge' AND epoch = 'e'";
        let mut query = database.prepare(sql).unwrap();
        let rows = query.query_map((), |row| {
            let through = row.get::<_, i64>(0)? as u64;
            Ok(Bookmark { epoch: "e".to_owned(), through, token: row.get(1)? })
        });
        IssuedTokens(rows.unwrap().collect::<Result<_, _>>().unwrap())
    }

    #[test]
    fn the_last_tokens_are_kept_and_one_stands_for_those_before() {
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch(crate::SCHEMA).unwrap();
        // Answers come in any order.
        let order = [40, 10, 20, 30, 50].into_iter().chain(60..100);
        let given: Vec<_> = order.map(|through| tell(&database, through)).collect();
        let kept = told(&database);
        assert_eq!(kept.0.len(), TOKENS_MAX as usize + 1);
        assert!(given.iter().all(|given| kept.contains(given)));
        let of_another = |through| Bookmark {
            epoch: "e".to_owned(),
            through,
            token: "of another copy".to_owned(),
        };
        assert!(kept.contains(&of_another(83)) && !kept.contains(&of_another(84)));
        assert!(!kept.contains(&Bookmark { epoch: "f".to_owned(), ..of_another(1) }));
    }
}
