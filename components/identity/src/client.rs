//! An xAPI client as HTTP has one, and when it is recognised. No I/O.

use std::collections::BTreeSet;

use hedgeschool_credentials::{Scope, Token, TokenHash};
use serde::{Deserialize, Serialize};

use crate::store::types::Client;

/// A client to add. Its secret is the node's to make: one that somebody chose would need a slow
/// hash.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// Random if not given.
    key: Option<String>,
    /// The key if not given.
    name: Option<String>,
    /// What the standard assumes if not given.
    scopes: Option<BTreeSet<Scope>>,
}

/// A client as administrators see one.
#[derive(Serialize)]
pub struct ListedClient {
    key: String,
    name: String,
    scopes: Vec<String>,
    created_ms: i64,
    /// Null: it is not revoked.
    revoked_ms: Option<i64>,
}

/// A client as it is seen once.
#[derive(Serialize)]
pub struct AddedClient {
    #[serde(flatten)]
    client: ListedClient,
    secret: String,
}

/// Why a client is not added.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "scopes must name at least one: leave it out for statements/write and statements/read/mine"
)]
pub struct NoScopes;

impl NewClient {
    /// The client to store, with this secret, and this key if it names none.
    ///
    /// # Errors
    /// [`NoScopes`], if it asks for none.
    pub fn into_stored(
        self,
        secret: &Token,
        random_key: String,
        now_ms: i64,
    ) -> Result<Client, NoScopes> {
        let Self { key, name, scopes } = self;
        let scopes = scopes.unwrap_or_else(Scope::client_defaults);
        if scopes.is_empty() {
            return Err(NoScopes);
        }
        let key = key.unwrap_or(random_key);
        Ok(Client {
            name: name.unwrap_or_else(|| key.clone()),
            key,
            secret_hash: secret.hash().into_text(),
            scopes: scopes.iter().map(Scope::to_string).collect(),
            created: now_ms,
            revoked: None,
        })
    }
}

impl AddedClient {
    /// What whoever has added a client is told.
    pub fn new(client: Client, secret: &Token) -> Self {
        Self { client: client.into(), secret: secret.text().to_owned() }
    }
}

/// Whether a client is recognised by this secret: it is its own, and counts.
pub fn has_secret(client: &Client, secret: &str) -> bool {
    client.revoked.is_none() && TokenHash::of(secret).is_stored_as(&client.secret_hash)
}

impl From<Client> for ListedClient {
    fn from(client: Client) -> Self {
        let Client { key, name, secret_hash: _, scopes, created, revoked } = client;
        Self { key, name, scopes, created_ms: created, revoked_ms: revoked }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn secret() -> Token {
        Token::new(&[7; 32])
    }

    fn add(new: Value) -> Result<Client, NoScopes> {
        let new: NewClient = serde_json::from_value(new).unwrap();
        new.into_stored(&secret(), "random".into(), 5)
    }

    #[test]
    fn what_is_not_given_is_made() {
        let client = add(json!({})).unwrap();
        assert_eq!((client.key.as_str(), client.name.as_str()), ("random", "random"));
        assert_eq!(client.scopes, ["statements/write", "statements/read/mine"]);
        assert_eq!((client.created, client.revoked), (5, None));
        assert_eq!(add(json!({ "key": "k" })).unwrap().name, "k");
    }

    #[test]
    fn no_scope_is_not_the_same_as_none_named() {
        assert_eq!(add(json!({ "scopes": [] })).unwrap_err(), NoScopes);
        let unknown = json!({ "scopes": ["everything"] });
        assert!(serde_json::from_value::<NewClient>(unknown).is_err());
    }

    #[test]
    fn a_client_is_known_by_its_own_secret_until_it_is_revoked() {
        let client = add(json!({})).unwrap();
        assert!(has_secret(&client, secret().text()));
        assert!(!has_secret(&client, "") && !has_secret(&client, &client.secret_hash));
        let revoked = Client { revoked: Some(6), ..client };
        assert!(!has_secret(&revoked, secret().text()));
    }

    #[test]
    fn its_secret_is_told_once_and_its_hash_never() {
        let client = add(json!({ "key": "k", "scopes": ["all"] })).unwrap();
        let hash = client.secret_hash.clone();
        let listed = serde_json::to_value(ListedClient::from(client.clone())).unwrap();
        let mut expected = json!({ "key": "k", "name": "k", "scopes": ["all"], "created_ms": 5,
            "revoked_ms": null });
        assert_eq!(listed, expected);
        let added = serde_json::to_value(AddedClient::new(client, &secret())).unwrap();
        expected["secret"] = json!(secret().text());
        assert_eq!(added, expected);
        assert!(!added.to_string().contains(&hash));
    }
}
