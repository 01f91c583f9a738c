//! A desk that gives out keys to programs, on Hedgeschool's identity store.
//!
//! `POST /keys` with `{"name": "Weather station"}` makes one and shows its secret, this once.
//! `GET /keys` lists them, `DELETE /keys/KEY` revokes one. `GET /` with `authorization: Bearer
//! KEY.SECRET` says whose key that is. The store never sees a secret, but its SHA-256.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt, Limited};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use spin_sdk::http::{Json, Method, Request, StatusCode};
use spin_sdk::http_service;
use spin_sdk::wasip3::random::random::get_random_u64;

mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/identity",
        world: "client",
    });
}

use bindings::hedgeschool::identity::clients::{self, Client, Error};

/// What this app's keys are for, as the store notes it: xAPI scopes, in a node.
const SCOPES: [&str; 1] = ["statements/read"];
/// Largest body, in bytes.
const BODY_BYTES_MAX: usize = 4_096;

type Reply = (StatusCode, Json<Value>);

#[http_service]
async fn handle(request: Request) -> Reply {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let outcome = match (method, path.as_str()) {
        (Method::GET, "/") => greet_bearer(&request).await,
        (Method::GET, "/keys") => list_keys().await,
        (Method::POST, "/keys") => make_key(request).await,
        (Method::DELETE, path) => match path.strip_prefix("/keys/") {
            Some(key) => revoke_key(key).await,
            None => Ok(refuse(StatusCode::NOT_FOUND, "DELETE /keys/KEY")),
        },
        _ => Ok(refuse(StatusCode::NOT_FOUND, "GET /, GET /keys or POST /keys")),
    };
    outcome.unwrap_or_else(|error| {
        let status = match &error {
            Error::Invalid(_) => StatusCode::BAD_REQUEST,
            Error::Full => StatusCode::INSUFFICIENT_STORAGE,
            Error::Busy => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        refuse(status, &error.to_string())
    })
}

async fn make_key(request: Request) -> Result<Reply, Error> {
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await;
    let body = body.map_err(|error| Error::Invalid(error.to_string()))?.to_bytes();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(name) = asked["name"].as_str() else {
        return Ok(refuse(StatusCode::BAD_REQUEST, r#"say {"name": "…"}"#));
    };
    let (key, secret) = (random_text(1), random_text(4));
    let client = Client {
        key: key.clone(),
        name: name.to_owned(),
        secret_hash: hash_of(&secret),
        scopes: SCOPES.map(str::to_owned).into(),
        created: now_ms(),
        revoked: None,
    };
    clients::add(client).await?;
    Ok((StatusCode::CREATED, Json(json!({ "key": key, "secret": secret }))))
}

/// The first page of keys: as many as the store answers at one time.
async fn list_keys() -> Result<Reply, Error> {
    let page = clients::list(None).await?;
    let keys = page.clients.iter().map(|client| {
        json!({ "key": client.key, "name": client.name, "revoked": client.revoked.is_some() })
    });
    Ok((StatusCode::OK, Json(json!({ "keys": keys.collect::<Vec<_>>(), "more": page.more }))))
}

async fn revoke_key(key: &str) -> Result<Reply, Error> {
    match clients::revoke(key.to_owned(), now_ms()).await? {
        Some(client) => Ok((StatusCode::OK, Json(json!({ "revoked": client.name })))),
        None => Ok(refuse(StatusCode::NOT_FOUND, "there is no such key")),
    }
}

async fn greet_bearer(request: &Request) -> Result<Reply, Error> {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let token = header.and_then(|header| header.strip_prefix("Bearer "));
    let Some((key, secret)) = token.and_then(|token| token.split_once('.')) else {
        return Ok(refuse(StatusCode::UNAUTHORIZED, "authorization: Bearer KEY.SECRET"));
    };
    let client = clients::find(key.to_owned()).await?;
    // What is compared are hashes of random secrets: how long that takes gives nothing away.
    let is_valid =
        |client: &Client| client.revoked.is_none() && client.secret_hash == hash_of(secret);
    match client.filter(is_valid) {
        Some(client) => Ok((StatusCode::OK, Json(json!({ "hello": client.name })))),
        None => Ok(refuse(StatusCode::UNAUTHORIZED, "this key is unknown or revoked")),
    }
}

fn refuse(status: StatusCode, why: &str) -> Reply {
    (status, Json(json!({ "error": why })))
}

/// So many times 64 random bits, in hexadecimal.
fn random_text(words: usize) -> String {
    (0..words).map(|_| format!("{:016x}", get_random_u64())).collect()
}

/// The SHA-256 of a text, as 64 hexadecimal digits.
fn hash_of(text: &str) -> String {
    let mut digits = String::new();
    for byte in Sha256::digest(text) {
        // Writing to a text does not fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// Milliseconds since 1970.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis().try_into().unwrap_or(i64::MAX)
}
