use hedgeschool_sql::{Database, Row, Value};

use crate::{Error, integer};

/// What a node was told of a journal, and the text that it got with it.
pub struct Receipt {
    /// The journal's epoch.
    pub epoch: String,
    /// Everything through this was told.
    pub through: u64,
    /// Made at random. Empty: stands for all receipts of the epoch for so much or less.
    pub text: String,
}

/// Where a journal is, and what one has to know of it who has to do with a node.
#[derive(Default)]
pub struct Outline {
    /// Names this copy of the store.
    pub epoch: String,
    /// The last sequence.
    pub head: u64,
    /// How many subjects concern the node.
    pub followed: u64,
    /// What the node was told.
    pub told: Vec<Receipt>,
    /// Notes by name.
    pub notes: Vec<(String, String)>,
}

/// Reads all of it with one statement: most of what a round without news costs is the number of
/// them.
pub async fn look(
    database: &Database,
    node: String,
    prefixes: Vec<String>,
) -> Result<Outline, Error> {
    let sql = "SELECT 'epoch', '', text, 0 FROM note WHERE name = 'epoch'
        UNION ALL SELECT 'head', '', '', coalesce(max(sequence), 0) FROM journal
        UNION ALL SELECT 'followed', '', '', count(*) FROM follower WHERE node = ?1
        UNION ALL SELECT 'told', epoch, receipt, through FROM told WHERE node = ?1
        UNION ALL SELECT 'note', note.name, note.text, 0 FROM json_each(?2) AS prefix
          CROSS JOIN note ON note.name >= prefix.value
            AND note.name < prefix.value || char(1114111)";
    let prefixes = serde_json::Value::from(prefixes).to_string();
    let rows = database.query(sql, &[Value::Text(node), Value::Text(prefixes)]).await?;
    let mut outline = Outline::default();
    for mut row in rows {
        outline.add(&mut row)?;
    }
    Ok(outline)
}

impl Outline {
    fn add(&mut self, row: &mut Row) -> Result<(), Error> {
        let what: String = row.take()?;
        let (name, text, number): (String, String, u64) = (row.take()?, row.take()?, row.take()?);
        match what.as_str() {
            "epoch" => self.epoch = text,
            "head" => self.head = number,
            "followed" => self.followed = number,
            "told" => self.told.push(Receipt { epoch: name, through: number, text }),
            _ => self.notes.push((name, text)),
        }
        Ok(())
    }
}

/// Takes note that a node is told of a journal, or sent some of it.
pub async fn tell(database: &Database, node: String, receipt: Receipt) -> Result<(), Error> {
    let sql = "INSERT INTO told (node, epoch, through, receipt) VALUES (?1, ?2, ?3, ?4)";
    let Receipt { epoch, through, text } = receipt;
    let parameters = [Value::Text(node), Value::Text(epoch), integer(through), Value::Text(text)];
    Ok(database.execute(sql, &parameters).await?)
}

#[cfg(test)]
mod tests {
    use hedgeschool_replication::recognise::{RECEIPTS_MAX, Told};
    use hedgeschool_replication::wire::Bookmark;
    use rusqlite::Connection;

    fn tell(database: &Connection, through: u64) -> Bookmark {
        let receipt = format!("receipt of {through}");
        let sql = "INSERT INTO told (node, epoch, through, receipt) VALUES ('edge', 'e', ?1, ?2)";
        database.execute(sql, (through as i64, &receipt)).unwrap();
        Bookmark { epoch: "e".to_owned(), through, receipt }
    }

    fn told(database: &Connection) -> Told {
        let sql = "SELECT through, receipt FROM told WHERE node = 'edge' AND epoch = 'e'";
        let mut query = database.prepare(sql).unwrap();
        let rows = query.query_map((), |row| {
            let through = row.get::<_, i64>(0)? as u64;
            Ok(Bookmark { epoch: "e".to_owned(), through, receipt: row.get(1)? })
        });
        Told(rows.unwrap().collect::<Result<_, _>>().unwrap())
    }

    #[test]
    fn the_last_receipts_are_kept_and_one_stands_for_those_before() {
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch(crate::SCHEMA).unwrap();
        // Answers come in any order.
        let order = [40, 10, 20, 30, 50].into_iter().chain(60..100);
        let given: Vec<_> = order.map(|through| tell(&database, through)).collect();
        let kept = told(&database);
        assert_eq!(kept.0.len(), RECEIPTS_MAX as usize + 1);
        assert!(given.iter().all(|given| kept.has(given)));
        let of_another = |through| Bookmark {
            epoch: "e".to_owned(),
            through,
            receipt: "of another copy".to_owned(),
        };
        assert!(kept.has(&of_another(83)) && !kept.has(&of_another(84)));
        assert!(!kept.has(&Bookmark { epoch: "f".to_owned(), ..of_another(1) }));
    }
}
