//! Launching a unit (cmi5, 8): a one-time fetch token, and the bearer it is redeemed for.

use hedgeschool_credentials::{FileGrant, Token, TokenHash};
use hedgeschool_web::{Problem, Query, Reply, Request, StatusCode, now_ms, random_bytes};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Builder;

use crate::form::read_json;
use crate::store::launches;
use crate::store::types::Launch;
use crate::{secret, verify};

/// How long a launched unit may record: long enough to come back after lunch.
const LAUNCH_MS: i64 = 12 * 60 * 60 * 1_000;

/// What the portal asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedLaunch {
    /// Sign-in name.
    learner: String,
    /// Activity IRI of the unit.
    activity: String,
    /// Registration UUID.
    registration: String,
    /// The package whose files the unit consists of.
    package: String,
}

/// What the portal gets.
#[derive(Serialize)]
struct OpenedLaunch {
    fetch_token: String,
    session: String,
    expires_ms: i64,
    /// A grant of the package's files, to stand in their addresses.
    files: String,
}

/// `POST /launch`, private.
pub async fn open_launch(request: Request) -> Result<Reply, Problem> {
    let wanted: WantedLaunch = read_json(request).await?;
    let token = Token::new(&random_bytes());
    let session = Builder::from_random_bytes(random_bytes()).into_uuid().hyphenated().to_string();
    let grant = FileGrant::issued_at(&wanted.learner, now_ms());
    let key = secret::signing_key().await?;
    let files =
        key.sign_grant(&grant, &wanted.package).map_err(|error| Problem::internal_error(&error))?;
    let launch = wanted.into_stored(session.clone(), now_ms());
    let expires_ms = launch.expires;
    launches::open(launch, token.hash().into_text()).await?;
    let fetch_token = token.text().to_owned();
    Reply::json(&OpenedLaunch { fetch_token, session, expires_ms, files })
}

impl WantedLaunch {
    /// The launch to store, of a session that begins now.
    fn into_stored(self, session: String, now_ms: i64) -> Launch {
        Launch {
            registration: self.registration.to_ascii_lowercase(),
            session,
            learner: self.learner,
            activity: self.activity,
            expires: now_ms + LAUNCH_MS,
        }
    }
}

/// A grant that somebody presents.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PresentedGrant {
    grant: String,
    package: String,
}

/// `POST /files`, private: the xAPI agent of whoever has this grant of a package's files, as a text
/// of JSON, or null.
pub async fn answer_grant(request: Request) -> Result<Reply, Problem> {
    let PresentedGrant { grant, package } = read_json(request).await?;
    let grant = secret::signing_key().await?.verify_grant(&grant, &package, now_ms());
    let Some(FileGrant { name, .. }) = grant else { return Reply::json(&()) };
    Reply::json(&verify::find_person(&name).await?.map(|person| person.agent))
}

/// `POST /auth/fetch?token=…`: the fetch URL (cmi5, 8.2).
pub async fn redeem_token(request: &Request) -> Result<Reply, Problem> {
    let query = Query::of(request);
    let fetch = TokenHash::of(query.get("token").unwrap_or_default()).into_text();
    let bearer = Token::new(&random_bytes());
    let launch = launches::redeem(fetch, bearer.hash().into_text(), now_ms()).await?;
    let answer = fetch_answer(launch.map(|_| bearer));
    Ok(Reply::json(&answer)?.with_header("access-control-allow-origin", "*"))
}

/// What a unit is told. A refusal is 200 with an error, as cmi5 wants it.
fn fetch_answer(bearer: Option<Token>) -> Value {
    match bearer {
        Some(bearer) => json!({ "auth-token": bearer.text() }),
        // Error codes of cmi5, 8.2.3: 1 is for a token that was fetched before.
        None => json!({
            "error-code": "1",
            "error-text": "The token was used before, has expired, or was never issued: launch \
             again.",
        }),
    }
}

/// Units run on another origin and ask first.
pub fn answer_preflight() -> Reply {
    Reply::empty(StatusCode::NO_CONTENT)
        .with_header("access-control-allow-origin", "*")
        .with_header("access-control-allow-methods", "POST")
        .with_header("access-control-allow-headers", "content-type")
        .with_header("access-control-max-age", "7200")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launch_is_of_one_session_until_after_lunch() {
        let wanted = json!({ "learner": "ada", "activity": "a", "registration": "0A",
            "package": "p" });
        let wanted: WantedLaunch = serde_json::from_value(wanted).unwrap();
        let launch = wanted.into_stored("s".into(), 1_000);
        assert_eq!((launch.learner.as_str(), launch.session.as_str()), ("ada", "s"));
        assert_eq!(launch.registration, "0a", "as the store's interface has it");
        assert_eq!(launch.expires, 1_000 + LAUNCH_MS);
    }

    #[test]
    fn a_unit_gets_its_bearer_or_a_reason_and_never_both() {
        let token = Token::new(&[3; 32]);
        let text = token.text().to_owned();
        assert_eq!(fetch_answer(Some(token)), json!({ "auth-token": text }));
        let refusal = fetch_answer(None);
        assert_eq!(refusal["error-code"], "1");
        assert!(refusal["error-text"].is_string() && refusal.get("auth-token").is_none());
    }
}
