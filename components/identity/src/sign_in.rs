//! Signing in and out with a browser.

use hedgeschool_credentials::{SESSION_COOKIE, Session, Verdict};
use hedgeschool_web::client::is_https;
use hedgeschool_web::origin::check_same_origin;
use hedgeschool_web::{Problem, Query, Reply, Request, now_ms};

use crate::event::{Event, with_event};
use crate::form::read_form;
use crate::{roaming, secret, verify};

/// How long a session lasts: a school day with room to spare.
const SESSION_MS: i64 = 12 * 60 * 60 * 1_000;

/// Longest text by which a browser knows its session, in bytes.
const BROWSER_BYTES_MAX: usize = 64;

/// `POST /auth/sign-in`, a form of `name`, `password`, `next`, the page to go on to, and `browser`,
/// a text that only pages of the portal in this browser know: a session that somebody else's page
/// slips in has another.
pub async fn sign_in(request: Request) -> Result<Reply, Problem> {
    check_same_origin(&request)?;
    let is_secure = is_https(request.headers()).await?;
    let form = read_form(request).await?;
    let name = form.get("name").unwrap_or_default().trim().to_ascii_lowercase();
    let next = local_path(form.get("next"));
    let password = form.get("password").unwrap_or_default();
    let Some(person) = find_or_fetch(&name, password).await? else {
        // With the next try, people still get where they wanted to go.
        let query = Query::encode(&[("failed", "1"), ("next", next)]);
        let again = Reply::see_other(&format!("/sign-in?{query}"));
        return Ok(with_event(again, Event::SignInRefused));
    };
    roaming::fetch_record(&person.agent).await?;
    let session = new_session(name, form.get("browser"), now_ms());
    let signed = secret::signing_key()
        .await?
        .sign_session(&session)
        .map_err(|error| Problem::internal_error(&error))?;
    let cookie = session_cookie(&signed, SESSION_MS / 1_000, is_secure);
    Ok(Reply::see_other(next).with_header("set-cookie", &cookie))
}

/// The person of this name and password; one whom this node does not know may be known above.
async fn find_or_fetch(name: &str, password: &str) -> Result<Option<Verdict>, Problem> {
    let person = verify::person_by_password(name, password).await?;
    if person.is_some() || !verify::is_worth_asking(name).await? {
        return Ok(person);
    }
    roaming::fetch_person(name).await?;
    verify::person_by_password(name, password).await
}

/// `POST /auth/sign-out`.
pub async fn sign_out(request: &Request) -> Result<Reply, Problem> {
    check_same_origin(request)?;
    let cookie = session_cookie("", 0, is_https(request.headers()).await?);
    Ok(Reply::see_other("/").with_header("set-cookie", &cookie))
}

/// The session of somebody who signs in now.
fn new_session(name: String, browser: Option<&str>, now_ms: i64) -> Session {
    let browser = browser.filter(|text| text.len() <= BROWSER_BYTES_MAX).unwrap_or_default();
    Session { name, expires_ms: now_ms + SESSION_MS, browser: browser.to_owned() }
}

fn session_cookie(value: &str, age_s: i64, is_secure: bool) -> String {
    let secure = if is_secure { "; Secure" } else { "" };
    format!("{SESSION_COOKIE}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}")
}

/// A page of this node: anything else, such as `//elsewhere`, would send people away. Browsers
/// leave out tabs and line breaks, wherever they are, and take `\` for `/` (WHATWG URL, 4.4).
fn local_path(next: Option<&str>) -> &str {
    let is_strange = |c: char| c == '\\' || c.is_control();
    let is_local = |path: &&str| {
        path.starts_with('/') && !path.starts_with("//") && !path.contains(is_strange)
    };
    next.filter(is_local).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_session_lasts_a_school_day_and_knows_a_browser_that_says_little() {
        let session = |browser| new_session("ada".into(), browser, 1_000);
        assert_eq!(session(Some("b")).expires_ms, 1_000 + SESSION_MS);
        assert_eq!(session(Some("b")).browser, "b");
        assert_eq!(session(None).browser, "");
        assert_eq!(session(Some(&"b".repeat(BROWSER_BYTES_MAX + 1))).browser, "");
    }

    #[test]
    fn a_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        let cookie = session_cookie("s", 60, false);
        let expected = "hedgeschool_session=s; Path=/; Max-Age=60; HttpOnly; SameSite=Lax";
        assert_eq!(cookie, expected);
        assert_eq!(session_cookie("s", 60, true), format!("{expected}; Secure"));
    }

    #[test]
    fn people_are_sent_to_pages_of_this_node_alone() {
        for path in ["/", "/courses/a?b=c#d", "/a//b"] {
            assert_eq!(local_path(Some(path)), path);
        }
        for elsewhere in
            ["", "a", "//e", "/\\e", "https://e", "/\t/e", "/a\r\nset-cookie: b", "\\\\e"]
        {
            assert_eq!(local_path(Some(elsewhere)), "/", "{elsewhere:?}");
        }
        assert_eq!(local_path(None), "/");
    }

    proptest! {
        /// Whatever is asked for, a browser that resolves it stays at this node's origin.
        #[test]
        fn no_text_leads_away(next in "[/\\\\a-z:@.\t\r\n ]{0,12}") {
            let node = url::Url::parse("http://node.example/sign-in").unwrap();
            let went = node.join(local_path(Some(&next))).unwrap();
            prop_assert_eq!(went.origin(), node.origin());
        }
    }
}
