//! `/content/storage/{grant}/{package}`: what pages of a course keep in a browser's storage. The
//! address is all that a page has to show, so that it works without an origin, and in a last
//! message of a page that is closed.

use hedgeschool_web::{Method, Problem, Reply, Request, StatusCode, body, inside};
use serde_json::{Map, Value, json};

use crate::access::{check_origin, find_edition, find_learner};

/// Largest body, in bytes: all that a course may store, as it is written in JSON.
const BODY_BYTES_MAX: usize = 8 << 20;

/// `GET` answers what is stored, as `{"local": {…}, "session": {…}}`; `POST` changes the items it
/// names, and removes those that it says null of.
pub async fn answer_storage(request: Request, rest: &str) -> Result<Reply, Problem> {
    let (grant, package) = rest.split_once('/').unwrap_or((rest, ""));
    check_origin(&request, package).await?;
    let agent = find_learner(grant, package).await?;
    let course = find_edition(package).await?.id;
    let whose = json!({ "agent": agent, "course": course });
    match *request.method() {
        Method::GET | Method::HEAD => {
            let stored: Value = inside::ask("progress", "/storage/read", &whose).await?;
            Ok(Reply::json(&stored)?.with_header("cache-control", "no-store"))
        }
        Method::POST => {
            // Sent as whatever a browser sends without asking first.
            let sent = body::read(request, BODY_BYTES_MAX).await?;
            let () =
                inside::ask("progress", "/storage/change", &parse_changes(whose, &sent)?).await?;
            Ok(Reply::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(Problem::method_not_allowed("GET, HEAD, POST, OPTIONS")),
    }
}

/// The changes that a page has sent, as the record store takes them: nothing but texts and nulls.
fn parse_changes(mut whose: Value, sent: &[u8]) -> Result<Value, Problem> {
    let rule = "send {\"local\": {…}, \"session\": {…}} with a text or null for each item";
    let sent: Map<String, Value> =
        serde_json::from_slice(sent).map_err(|_| Problem::bad_request(rule))?;
    for area in ["local", "session"] {
        let Some(items) = sent.get(area) else { continue };
        let is_legal = |item: &Value| item.is_string() || item.is_null();
        let is_area = items.as_object().is_some_and(|items| items.values().all(is_legal));
        if !is_area {
            return Err(Problem::bad_request(rule));
        }
        if let Some(whose) = whose.as_object_mut() {
            whose.insert(area.to_owned(), items.clone());
        }
    }
    Ok(whose)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sent: &str) -> Option<Value> {
        parse_changes(json!({ "agent": "a" }), sent.as_bytes()).ok()
    }

    #[test]
    fn items_are_texts_or_gone() {
        let changed = read(r#"{"local": {"a": "1", "b": null}, "agent": "x"}"#).unwrap();
        assert_eq!(changed, json!({ "agent": "a", "local": { "a": "1", "b": null } }));
        for wrong in ["", "[]", r#"{"local": 1}"#, r#"{"session": {"a": 1}}"#] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
