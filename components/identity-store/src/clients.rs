//! `hedgeschool:identity/clients`.

use hedgeschool_sql::{Row, Value};

use crate::bindings::Store;
use crate::bindings::exports::hedgeschool::identity::clients::Guest;
use crate::bindings::types::{Client, ClientPage, Error};
use crate::columns::placeholders;
use crate::database::DATABASE;
use crate::rules::{check_label, check_name};

const PAGE_MAX: usize = 1_000;
const SCOPES_MAX: usize = 16;
const SECRET_HASH_DIGITS: usize = 64;
const COLUMNS: &str = "key, name, secret_hash, scopes, created_ms, revoked_ms";

impl Guest for Store {
    async fn add(client: Client) -> Result<(), Error> {
        check_client(&client)?;
        let sql = format!(
            "INSERT INTO client ({COLUMNS}) VALUES ({}) ON CONFLICT DO NOTHING RETURNING key",
            placeholders(COLUMNS, 0)
        );
        let added = DATABASE.query_one(&sql, &into_values(client)).await?;
        added.map(drop).ok_or(Error::Taken)
    }

    async fn find(key: String) -> Result<Option<Client>, Error> {
        find_client(&format!("SELECT {COLUMNS} FROM client WHERE key = ?1"), &[Value::Text(key)])
            .await
    }

    async fn list(after: Option<String>) -> Result<ClientPage, Error> {
        // One more than a page holds tells whether there is another.
        let sql = format!(
            "SELECT {COLUMNS} FROM client WHERE key > ?1 ORDER BY key LIMIT {}",
            PAGE_MAX + 1
        );
        let rows = DATABASE.query(&sql, &[Value::Text(after.unwrap_or_default())]).await?;
        let more = rows.len() > PAGE_MAX;
        let clients = rows.into_iter().take(PAGE_MAX).map(read_client).collect::<Result<_, _>>()?;
        Ok(ClientPage { clients, more })
    }

    async fn revoke(key: String, now: i64) -> Result<Option<Client>, Error> {
        let sql = format!(
            "UPDATE client SET revoked_ms = coalesce(revoked_ms, ?2) WHERE key = ?1
            RETURNING {COLUMNS}"
        );
        find_client(&sql, &[Value::Text(key), Value::Integer(now)]).await
    }
}

/// Refuses a client that addresses, pages or the record could not name, or that nobody could be.
fn check_client(client: &Client) -> Result<(), Error> {
    check_name("key", &client.key)?;
    check_label("name", &client.name)?;
    // `.` and `..` as the last part of an address would mean another one.
    if !client.key.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return Err(Error::Invalid("key must begin with a letter or a digit".into()));
    }
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    if client.secret_hash.len() != SECRET_HASH_DIGITS || !client.secret_hash.chars().all(is_digit) {
        let rule =
            format!("secret-hash must be {SECRET_HASH_DIGITS} lower-case hexadecimal digits");
        return Err(Error::Invalid(rule));
    }
    let is_scope = |scope: &String| !scope.is_empty() && !scope.contains(char::is_whitespace);
    if !(1..=SCOPES_MAX).contains(&client.scopes.len()) || !client.scopes.iter().all(is_scope) {
        return Err(Error::Invalid(format!("scopes must be 1 to {SCOPES_MAX}")));
    }
    Ok(())
}

async fn find_client(sql: &str, parameters: &[Value]) -> Result<Option<Client>, Error> {
    let row = DATABASE.query_one(sql, parameters).await?;
    Ok(row.map(read_client).transpose()?)
}

/// A client from a row of [`COLUMNS`].
fn read_client(mut row: Row) -> Result<Client, hedgeschool_sql::Error> {
    Ok(Client {
        key: row.take()?,
        name: row.take()?,
        secret_hash: row.take()?,
        scopes: row.take::<String>()?.split(' ').map(str::to_owned).collect(),
        created: row.take()?,
        revoked: row.take()?,
    })
}

/// The values of [`COLUMNS`].
fn into_values(client: Client) -> Vec<Value> {
    let Client { key, name, secret_hash, scopes, created, revoked } = client;
    vec![
        Value::Text(key),
        Value::Text(name),
        Value::Text(secret_hash),
        Value::Text(scopes.join(" ")),
        Value::Integer(created),
        revoked.map_or(Value::Null, Value::Integer),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        Client {
            key: "k-1".into(),
            name: "Quiz".into(),
            secret_hash: "0a".repeat(SECRET_HASH_DIGITS / 2),
            scopes: vec!["statements/write".into()],
            created: 0,
            revoked: None,
        }
    }

    #[test]
    fn each_column_has_a_value() {
        assert_eq!(into_values(client()).len(), COLUMNS.split(',').count());
    }

    #[test]
    fn each_part_of_a_client_has_its_rule() {
        assert!(check_client(&client()).is_ok());
        let of = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect();
        for (wrong, named) in [
            (Client { key: "K".into(), ..client() }, "key must be"),
            (Client { key: "..".into(), ..client() }, "key must begin"),
            (Client { key: "-k".into(), ..client() }, "key must begin"),
            (Client { name: "a\nb".into(), ..client() }, "name must"),
            (Client { secret_hash: "0a".into(), ..client() }, "secret-hash"),
            (Client { secret_hash: "0A".repeat(32), ..client() }, "secret-hash"),
            (Client { scopes: of(&[]), ..client() }, "scopes"),
            (Client { scopes: of(&[""]), ..client() }, "scopes"),
            (Client { scopes: of(&["a b"]), ..client() }, "scopes"),
            (Client { scopes: of(&["a"; SCOPES_MAX + 1]), ..client() }, "scopes"),
        ] {
            let Err(Error::Invalid(rule)) = check_client(&wrong) else { panic!("{named}") };
            assert!(rule.starts_with(named), "{rule}");
        }
    }
}
