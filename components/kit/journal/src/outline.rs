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

/// Reads all of it with one statement: most of what a round without news costs is the number of them.
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
          CROSS JOIN note ON note.name >= prefix.value AND note.name < prefix.value || char(1114111)";
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

/// Takes note that a node is told of a journal.
pub async fn tell(database: &Database, node: String, receipt: Receipt) -> Result<(), Error> {
    let sql = "INSERT INTO told (node, epoch, through, receipt) VALUES (?1, ?2, ?3, ?4)";
    let Receipt { epoch, through, text } = receipt;
    let parameters = [Value::Text(node), Value::Text(epoch), integer(through), Value::Text(text)];
    Ok(database.execute(sql, &parameters).await?)
}
