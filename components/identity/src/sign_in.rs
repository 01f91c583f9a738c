//! Signing in and out with a browser.

use hedgeschool_credentials::{SESSION_COOKIE, Session, Verdict};
use hedgeschool_web::origin::{check_same_origin, is_https};
use hedgeschool_web::{Problem, Query, Reply, Request, body, now_ms};

use crate::{BODY_BYTES_MAX, EVENT, roaming, secret, verify};

/// How long a session lasts: a school day with room to spare.
const SESSION_MS: i64 = 12 * 60 * 60 * 1_000;

/// Longest text by which a browser knows its session, in bytes.
const BROWSER_BYTES_MAX: usize = 64;

/// What the host is told to count of a form with a wrong password.
const SIGN_IN_REFUSED: &str = "sign-in-refused";

/// `POST /auth/sign-in`, a form of `name`, `password`, `next`, the page to go on to, and `browser`,
/// a text that only pages of the portal in this browser know: a session that somebody else's page
/// slips in has another.
pub async fn enter(request: Request) -> Result<Reply, Problem> {
    check_same_origin(&request)?;
    let secure = is_https(request.headers());
    let form = body::form(request, BODY_BYTES_MAX).await?;
    let name = form.get("name").unwrap_or_default().trim().to_ascii_lowercase();
    let next = local_path(form.get("next"));
    let password = form.get("password").unwrap_or_default();
    let Some(person) = person(&name, password).await? else {
        // With the next try, people still get where they wanted to go.
        let query = Query::encode(&[("failed", "1"), ("next", next)]);
        let again = Reply::see_other(&format!("/sign-in?{query}"));
        return Ok(again.with_header(EVENT, SIGN_IN_REFUSED));
    };
    roaming::welcome(&person.agent).await?;
    let browser = form.get("browser").filter(|text| text.len() <= BROWSER_BYTES_MAX);
    let browser = browser.unwrap_or_default().to_owned();
    let session = Session { name, expires_ms: now_ms() + SESSION_MS, browser };
    let signed = secret::signing_key().await?.sign(&session).map_err(Problem::internal)?;
    Ok(Reply::see_other(next)
        .with_header("set-cookie", &cookie(&signed, SESSION_MS / 1_000, secure)))
}

/// The person of this name and password; one whom this node does not know may be known above.
async fn person(name: &str, password: &str) -> Result<Option<Verdict>, Problem> {
    let person = verify::person_by_password(name, password).await?;
    if person.is_some() || verify::knows(name).await? {
        return Ok(person);
    }
    roaming::look_for(name).await?;
    verify::person_by_password(name, password).await
}

/// `POST /auth/sign-out`.
pub fn leave(request: &Request) -> Result<Reply, Problem> {
    check_same_origin(request)?;
    Ok(Reply::see_other("/").with_header("set-cookie", &cookie("", 0, is_https(request.headers()))))
}

fn cookie(value: &str, age_s: i64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{SESSION_COOKIE}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}")
}

/// A page of this node: anything else, such as `//elsewhere`, would send people away.
fn local_path(next: Option<&str>) -> &str {
    let is_local = |path: &&str| {
        path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n'])
    };
    next.filter(is_local).unwrap_or("/")
}
