//! The xAPI clients of the node, for its administrators.

use std::collections::BTreeSet;

use hedgeschool_credentials::{Pair, Scope, Subject, Token, TokenHash, Verdict, equal, pair};
use hedgeschool_web::origin::check_same_origin;
use hedgeschool_web::{
    Problem, Query, Reply, Request, StatusCode, body, now_ms, random_bytes, settings,
};
use serde::{Deserialize, Serialize};

use crate::store::clients;
use crate::store::types::{Client, Error};
use crate::{BODY_BYTES_MAX, agent, verify};

/// A client to add. Its secret is the node's to make: one that somebody chose would need a slow
/// hash.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewClient {
    /// Random if not given.
    key: Option<String>,
    /// The key if not given.
    name: Option<String>,
    /// What the standard assumes if not given.
    scopes: Option<BTreeSet<Scope>>,
}

/// A client as administrators see one.
#[derive(Serialize)]
struct Listed {
    key: String,
    name: String,
    scopes: Vec<String>,
    created_ms: i64,
    /// Null: it is not revoked.
    revoked_ms: Option<i64>,
}

/// A client as it is seen once.
#[derive(Serialize)]
struct Added {
    #[serde(flatten)]
    client: Listed,
    secret: String,
}

/// A page of clients.
#[derive(Serialize)]
struct Page {
    clients: Vec<Listed>,
    /// The address of the next page. Null: this is the last.
    more: Option<String>,
}

/// `POST /auth/clients`: adds a client, and answers its secret, which nobody can find out later.
pub async fn add(request: Request) -> Result<Reply, Problem> {
    check_same_origin(&request)?;
    verify::administrator(request.headers()).await?;
    let new: NewClient = body::json(request, BODY_BYTES_MAX).await?;
    let secret = Token::new(&random_bytes());
    let client = client(new, &secret)?;
    if bootstrap().await?.is_some_and(|bootstrap| bootstrap.name == client.key) {
        return Err(taken(&client.key));
    }
    clients::add(client.clone()).await.map_err(|error| match error {
        Error::Taken => taken(&client.key),
        other => other.into(),
    })?;
    let added = Added { client: client.into(), secret: secret.text().to_owned() };
    Ok(Reply::json(&added)?.with_status(StatusCode::CREATED))
}

fn client(new: NewClient, secret: &Token) -> Result<Client, Problem> {
    let scopes = new.scopes.unwrap_or_else(Scope::assumed);
    if scopes.is_empty() {
        let detail = "scopes must name at least one: leave it out for statements/write and \
            statements/read/mine";
        return Err(Problem::bad_request(detail));
    }
    let key = new.key.unwrap_or_else(random_key);
    Ok(Client {
        name: new.name.unwrap_or_else(|| key.clone()),
        key,
        secret_hash: secret.hash().into_text(),
        scopes: scopes.iter().map(Scope::to_string).collect(),
        created: now_ms(),
        revoked: None,
    })
}

/// 64 random bits: no secret, but never anybody else's.
fn random_key() -> String {
    format!("{:016x}", u64::from_le_bytes(random_bytes()))
}

fn taken(key: &str) -> Problem {
    let detail = format!("the key {key} is taken: choose another (revoked clients keep theirs)");
    Problem::new(StatusCode::CONFLICT, detail)
}

/// `GET /auth/clients?after=KEY`.
pub async fn list(request: &Request) -> Result<Reply, Problem> {
    verify::administrator(request.headers()).await?;
    let after = Query::of(request).get("after").map(str::to_owned);
    let page = clients::list(after).await?;
    let last = page.clients.last().filter(|_| page.more);
    // A key has no characters that an address would have to escape.
    let more = last.map(|last| format!("/auth/clients?after={}", last.key));
    Reply::json(&Page { more, clients: page.clients.into_iter().map(Listed::from).collect() })
}

/// `DELETE /auth/clients/{key}`: revokes a client, and answers it.
pub async fn revoke(request: &Request, key: &str) -> Result<Reply, Problem> {
    check_same_origin(request)?;
    verify::administrator(request.headers()).await?;
    if let Some(revoked) = clients::revoke(key.to_owned(), now_ms()).await? {
        return Reply::json(&Listed::from(revoked));
    }
    let is_bootstrap = bootstrap().await?.is_some_and(|bootstrap| bootstrap.name == key);
    Err(Problem::not_found(if is_bootstrap {
        format!("the client {key} is the variable bootstrap_client's: change that to revoke it")
    } else {
        format!("there is no client {key}")
    }))
}

/// The client that presents this key and secret, if they are right and it has not been revoked.
pub async fn by_secret(key: &str, secret: &str) -> Result<Option<Verdict>, Problem> {
    let is_right = |client: &Pair| client.name == key && equal(&client.secret, secret);
    if bootstrap().await?.is_some_and(|client| is_right(&client)) {
        return verdict(key.to_owned(), key, BTreeSet::from([Scope::All])).await.map(Some);
    }
    let Some(client) = clients::find(key.to_owned()).await? else { return Ok(None) };
    if client.revoked.is_some() || !TokenHash::of(secret).is(&client.secret_hash) {
        return Ok(None);
    }
    // A scope this version does not know is a right it cannot grant.
    let scopes = client.scopes.iter().filter_map(|scope| scope.parse().ok()).collect();
    verdict(client.key, &client.name, scopes).await.map(Some)
}

async fn verdict(key: String, name: &str, scopes: BTreeSet<Scope>) -> Result<Verdict, Problem> {
    let agent = agent::of_client(&key, name).await?;
    Ok(Verdict { subject: Subject::Client { key }, scopes, agent })
}

/// The operator's own client.
async fn bootstrap() -> Result<Option<Pair>, Problem> {
    Ok(pair(&settings::text("bootstrap_client").await?))
}

impl From<Client> for Listed {
    fn from(client: Client) -> Self {
        Self {
            key: client.key,
            name: client.name,
            scopes: client.scopes,
            created_ms: client.created,
            revoked_ms: client.revoked,
        }
    }
}
