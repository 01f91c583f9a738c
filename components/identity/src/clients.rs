//! The xAPI clients of the node, for its administrators.

use hedgeschool_credentials::Token;
use hedgeschool_web::origin::check_same_origin;
use hedgeschool_web::{Problem, Query, Reply, Request, StatusCode, now_ms, random_bytes};
use serde::Serialize;

use crate::access::require_administrator;
use crate::bootstrap;
use crate::client::{AddedClient, ListedClient, NewClient};
use crate::form::read_json;
use crate::store::clients;
use crate::store::types::Error;

/// A page of clients.
#[derive(Serialize)]
struct ClientPage {
    clients: Vec<ListedClient>,
    /// The address of the next page. Null: this is the last.
    more: Option<String>,
}

/// `POST /auth/clients`: adds a client, and answers its secret, which nobody can find out later.
pub async fn add_client(request: Request) -> Result<Reply, Problem> {
    check_same_origin(&request)?;
    require_administrator(request.headers()).await?;
    let new: NewClient = read_json(request).await?;
    let secret = Token::new(&random_bytes());
    let client = new
        .into_stored(&secret, random_key(), now_ms())
        .map_err(|refusal| Problem::bad_request(refusal.to_string()))?;
    if bootstrap::client().await?.is_some_and(|bootstrap| bootstrap.name == client.key) {
        return Err(key_is_taken(&client.key));
    }
    clients::add(client.clone()).await.map_err(|error| match error {
        Error::Taken => key_is_taken(&client.key),
        other => other.into(),
    })?;
    let added = AddedClient::new(client, &secret);
    Ok(Reply::json(&added)?.with_status(StatusCode::CREATED))
}

/// 64 random bits: no secret, but never anybody else's.
fn random_key() -> String {
    format!("{:016x}", u64::from_le_bytes(random_bytes()))
}

fn key_is_taken(key: &str) -> Problem {
    let detail = format!("the key {key} is taken: choose another (revoked clients keep theirs)");
    Problem::new(StatusCode::CONFLICT, detail)
}

/// `GET /auth/clients?after=KEY`.
pub async fn list_clients(request: &Request) -> Result<Reply, Problem> {
    require_administrator(request.headers()).await?;
    let after = Query::of(request).get("after").map(str::to_owned);
    let page = clients::list(after).await?;
    let last = page.clients.last().filter(|_| page.more);
    // A key has no characters that an address would have to escape.
    let more = last.map(|last| format!("/auth/clients?after={}", last.key));
    let clients = page.clients.into_iter().map(ListedClient::from).collect();
    Reply::json(&ClientPage { clients, more })
}

/// `DELETE /auth/clients/{key}`: revokes a client, and answers it.
pub async fn revoke_client(request: &Request, key: &str) -> Result<Reply, Problem> {
    check_same_origin(request)?;
    require_administrator(request.headers()).await?;
    if let Some(revoked) = clients::revoke(key.to_owned(), now_ms()).await? {
        return Reply::json(&ListedClient::from(revoked));
    }
    let is_bootstrap = bootstrap::client().await?.is_some_and(|bootstrap| bootstrap.name == key);
    Err(Problem::not_found(if is_bootstrap {
        format!("the client {key} is the variable bootstrap_client's: change that to revoke it")
    } else {
        format!("there is no client {key}")
    }))
}
