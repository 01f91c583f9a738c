//! Launching a unit (cmi5, 8): a one-time fetch token, and the bearer it is redeemed for.

use hedgeschool_credentials::{FileGrant, Token, TokenHash};
use hedgeschool_web::{Problem, Query, Reply, Request, StatusCode, body, now_ms, random_bytes};
use serde::{Deserialize, Serialize};
use uuid::Builder;

use crate::store::launches;
use crate::store::types::Launch;
use crate::{BODY_BYTES_MAX, secret, verify};

/// How long a launched unit may record: long enough to come back after lunch.
const LAUNCH_MS: i64 = 12 * 60 * 60 * 1_000;

/// What the portal asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
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
struct Opened {
    fetch_token: String,
    session: String,
    expires_ms: i64,
    /// A grant of the package's files, to stand in their addresses.
    files: String,
}

/// `POST /launch`, private.
pub async fn open(request: Request) -> Result<Reply, Problem> {
    let wanted: Wanted = body::json(request, BODY_BYTES_MAX).await?;
    let token = Token::new(&random_bytes());
    let session = Builder::from_random_bytes(random_bytes()).into_uuid().hyphenated().to_string();
    let expires_ms = now_ms() + LAUNCH_MS;
    let grant = FileGrant::at(&wanted.learner, now_ms());
    let key = secret::signing_key().await?;
    let files = key.sign_grant(&grant, &wanted.package).map_err(Problem::internal)?;
    let launch = Launch {
        registration: wanted.registration.to_ascii_lowercase(),
        session: session.clone(),
        learner: wanted.learner,
        activity: wanted.activity,
        expires: expires_ms,
    };
    launches::open(launch, token.hash().into_text()).await?;
    Reply::json(&Opened { fetch_token: token.text().to_owned(), session, expires_ms, files })
}

/// A grant that somebody presents.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Presented {
    grant: String,
    package: String,
}

/// `POST /files`, private: the xAPI agent of whoever has this grant of a package's files, as a text
/// of JSON, or null.
pub async fn granted(request: Request) -> Result<Reply, Problem> {
    let Presented { grant, package } = body::json(request, BODY_BYTES_MAX).await?;
    let grant = secret::signing_key().await?.verify_grant(&grant, &package, now_ms());
    let Some(FileGrant { name, .. }) = grant else { return Reply::json(&()) };
    Reply::json(&verify::person(&name).await?.map(|person| person.agent))
}

/// `POST /auth/fetch?token=…`: the fetch URL (cmi5, 8.2). A refusal is 200 with an error, as cmi5
/// wants it.
pub async fn redeem(request: &Request) -> Result<Reply, Problem> {
    let query = Query::of(request);
    let fetch = TokenHash::of(query.get("token").unwrap_or_default()).into_text();
    let bearer = Token::new(&random_bytes());
    let launch = launches::redeem(fetch, bearer.hash().into_text(), now_ms()).await?;
    let answer = match launch {
        Some(_) => serde_json::json!({ "auth-token": bearer.text() }),
        // Error codes of cmi5, 8.2.3: 1 is for a token that was fetched before.
        None => serde_json::json!({
            "error-code": "1",
            "error-text": "The token was used before, has expired, or was never issued: launch \
             again.",
        }),
    };
    Ok(Reply::json(&answer)?.with_header("access-control-allow-origin", "*"))
}

/// Units run on another origin and ask first.
pub fn preflight() -> Reply {
    Reply::empty(StatusCode::NO_CONTENT)
        .with_header("access-control-allow-origin", "*")
        .with_header("access-control-allow-methods", "POST")
        .with_header("access-control-allow-headers", "content-type")
        .with_header("access-control-max-age", "7200")
}
