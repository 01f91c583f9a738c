//! Who is asking: the answer of the `identity` component, kept for a few seconds.
//!
//! Services have no way to the identity store. They ask identity's private route, whose address no
//! request from outside can reach, and remember the verdict: a revoked credential works for at
//! most [`VERDICT_AGE`] longer, and the hot path costs neither a password hash nor a second hop.

use std::time::Duration;

use hedgeschool_credentials::{TokenHash, Verdict};
use serde::{Deserialize, Serialize};

use crate::cache::Cache;
use crate::{HeaderMap, Problem, header, inside};

/// How long a verdict may be served after identity gave it.
pub const VERDICT_AGE: Duration = Duration::from_secs(5);
/// How many verdicts an instance remembers.
const VERDICTS_MAX: usize = 4_096;

/// What a request presents.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Presented {
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The `Cookie` header.
    pub cookie: Option<String>,
}

impl Presented {
    /// The headers of a request that tell who is asking.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let text = |name| header(headers, name).map(str::to_owned);
        Self { authorization: text("authorization"), cookie: text("cookie") }
    }

    /// A key under which to remember the verdict, without remembering a secret.
    fn cache_key(&self) -> Option<String> {
        let (authorization, cookie) = (self.authorization.as_deref(), self.cookie.as_deref());
        authorization.or(cookie)?;
        let both = format!("{}\n{}", authorization.unwrap_or(""), cookie.unwrap_or(""));
        Some(TokenHash::of(&both).into_text())
    }
}

thread_local! {
    static VERDICTS: Cache<Verdict> = Cache::new(VERDICTS_MAX, VERDICT_AGE);
}

/// Who a request is from. None: it presents nothing, or nothing that is known.
///
/// # Errors
/// Those of [`ask`].
pub async fn recognise(headers: &HeaderMap) -> Result<Option<Verdict>, Problem> {
    recognise_presented(&Presented::from_headers(headers)).await
}

async fn recognise_presented(presented: &Presented) -> Result<Option<Verdict>, Problem> {
    let Some(key) = presented.cache_key() else { return Ok(None) };
    if let Some(verdict) = VERDICTS.with(|verdicts| verdicts.get(&key)) {
        return Ok(Some(verdict));
    }
    let verdict: Option<Verdict> = ask("/verify", presented).await?;
    if let Some(verdict) = &verdict {
        VERDICTS.with(|verdicts| verdicts.insert(key, verdict.clone()));
    }
    Ok(verdict)
}

/// Who a request is from, or 401.
///
/// # Errors
/// 401 if nobody who is known; those of [`ask`].
pub async fn verify(headers: &HeaderMap) -> Result<Verdict, Problem> {
    recognise(headers).await?.ok_or_else(|| unknown_caller(headers))
}

/// Who a request is from by its `Authorization` header alone, or 401. For interfaces that pages of
/// other origins may call: what a browser adds by itself must not count there.
///
/// # Errors
/// 401 if nobody who is known; those of [`ask`].
pub async fn verify_authorization(headers: &HeaderMap) -> Result<Verdict, Problem> {
    let presented = Presented { cookie: None, ..Presented::from_headers(headers) };
    recognise_presented(&presented).await?.ok_or_else(|| unknown_caller(headers))
}

/// A browser asks whoever sits before it for a name and a password where a script of the same
/// origin is told `Basic`: scripts get a challenge that browsers leave to them (Fetch, 4.6; RFC
/// 6750, 3).
fn unknown_caller(headers: &HeaderMap) -> Problem {
    let is_script = header(headers, "sec-fetch-mode").is_some_and(|mode| mode != "navigate");
    let scheme = if is_script { "Bearer" } else { "Basic" };
    Problem::unauthorized(scheme, "sign in, or send the credentials of an xAPI client")
}

/// Asks identity a private question, JSON to JSON.
///
/// # Errors
/// 503 if identity is busy; 500 if it fails, or refuses what it was asked.
pub async fn ask<Q: Serialize, A: for<'a> Deserialize<'a>>(
    path: &str,
    question: &Q,
) -> Result<A, Problem> {
    inside::ask("identity", path, question).await.map_err(|problem| match problem.status {
        // What a component asks identity is its own doing: nothing there is the caller's mistake.
        status if status.is_client_error() => {
            Problem::internal(format!("identity{path}: {status} {}", problem.detail))
        }
        _ => problem,
    })
}
