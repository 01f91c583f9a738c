//! `hedgeschool:identity/clients`.

use hedgeschool_sql::{Row, Value};

use crate::bindings::exports::hedgeschool::identity::clients::Guest;
use crate::rules::{check_label, check_name};
use crate::types::{Client, ClientPage, Error};
use crate::{DATABASE, Store};

const PAGE_MAX: usize = 1_000;
const SCOPES_MAX: usize = 16;
const SECRET_HASH_DIGITS: usize = 64;
const COLUMNS: &str = "key, name, secret_hash, scopes, created_ms, revoked_ms";

impl Guest for Store {
    async fn add(client: Client) -> Result<(), Error> {
        check(&client)?;
        let sql = "INSERT INTO client (key, name, secret_hash, scopes, created_ms, revoked_ms)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING RETURNING key";
        let parameters = [
            Value::Text(client.key),
            Value::Text(client.name),
            Value::Text(client.secret_hash),
            Value::Text(client.scopes.join(" ")),
            Value::Integer(client.created),
            client.revoked.map_or(Value::Null, Value::Integer),
        ];
        let added = DATABASE.query_one(sql, &parameters).await?;
        added.map(drop).ok_or(Error::Taken)
    }

    async fn find(key: String) -> Result<Option<Client>, Error> {
        one(&format!("SELECT {COLUMNS} FROM client WHERE key = ?1"), &[Value::Text(key)]).await
    }

    async fn list(after: Option<String>) -> Result<ClientPage, Error> {
        // One more than a page holds tells whether there is another.
        let sql = format!(
            "SELECT {COLUMNS} FROM client WHERE key > ?1 ORDER BY key LIMIT {}",
            PAGE_MAX + 1
        );
        let rows = DATABASE.query(&sql, &[Value::Text(after.unwrap_or_default())]).await?;
        let more = rows.len() > PAGE_MAX;
        let clients = rows.into_iter().take(PAGE_MAX).map(client).collect::<Result<_, _>>()?;
        Ok(ClientPage { clients, more })
    }

    async fn revoke(key: String, now: i64) -> Result<Option<Client>, Error> {
        let sql = format!(
            "UPDATE client SET revoked_ms = coalesce(revoked_ms, ?2) WHERE key = ?1
            RETURNING {COLUMNS}"
        );
        one(&sql, &[Value::Text(key), Value::Integer(now)]).await
    }
}

fn check(client: &Client) -> Result<(), Error> {
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

async fn one(sql: &str, parameters: &[Value]) -> Result<Option<Client>, Error> {
    let row = DATABASE.query_one(sql, parameters).await?;
    Ok(row.map(client).transpose()?)
}

fn client(mut row: Row) -> Result<Client, hedgeschool_sql::Error> {
    let (key, name, secret_hash) = (row.take()?, row.take()?, row.take()?);
    let scopes = row.take::<String>()?.split(' ').map(str::to_owned).collect();
    Ok(Client { key, name, secret_hash, scopes, created: row.take()?, revoked: row.take()? })
}
