//! The three document resources: an activity's state, its profile, and an agent's (2.2, 2.3, 2.6,
//! 2.7).

mod access;
mod merge;
mod put_rule;
mod target;

use bytes::Bytes;
use hedgeschool_cmi5::conduct::{self, Marks};
use hedgeschool_cmi5::vocabulary::{LAUNCH_DATA, PREFERENCES};
use hedgeschool_credentials::Verdict;
use hedgeschool_web::{Method, Problem, Reply, StatusCode, identity};
use serde_json::{Value, json};

use crate::call::Call;
use crate::conditional::{Conditions, Representation, quote_etag};
use crate::document_change::{DOCUMENT_BYTES_MAX, change_document};
use crate::sessions;
use crate::store::documents;
use crate::store::types::{Document, DocumentKind, Error, Precondition};
use put_rule::PutRule;
use target::DocumentTarget;

/// Answers a request to one of the resources.
///
/// # Errors
/// 400, 401, 403, 404, 405, 409, 412 and 413.
pub async fn answer_documents(call: Call, kind: DocumentKind) -> Result<Reply, Problem> {
    let reads = call.is_read();
    if !reads && !matches!(call.method, Method::PUT | Method::POST | Method::DELETE) {
        return Err(Problem::method_not_allowed("GET, HEAD, POST, PUT, DELETE, OPTIONS"));
    }
    let verdict = identity::verify_authorization(&call.headers).await?;
    let target = DocumentTarget::from_call(&call, kind)?;
    let session = sessions::open_session(&verdict).await?;
    if reads {
        access::may_read(&verdict, &target)?;
        if let (Some(session), Some(read)) = (&session, mark_of(&target)) {
            sessions::note_read(session, read).await?;
        }
        return if target.id.is_some() {
            read_document(&call, target).await
        } else {
            list_ids(&call, target).await
        };
    }
    access::may_change(&verdict, &target)?;
    match call.method {
        Method::PUT => put_document(call, &verdict, target).await,
        Method::POST => post_document(call, target).await,
        _ if target.id.is_some() => delete_document(&call, target).await,
        _ => clear_documents(&call, &verdict, target).await,
    }
}

/// What a launched unit has done when it has asked for a document: it has to read two before it
/// says that it is ready (cmi5, 10 and 11).
fn mark_of(target: &DocumentTarget) -> Option<Marks> {
    match (target.scope.kind, target.id.as_deref()) {
        (DocumentKind::State, Some(LAUNCH_DATA)) => Some(Marks::LAUNCH_DATA),
        (DocumentKind::AgentProfile, Some(PREFERENCES)) => Some(Marks::PREFERENCES),
        _ => None,
    }
}

/// One document, as it was sent. It is nobody's page: a browser that is led here runs nothing of
/// it.
async fn read_document(call: &Call, target: DocumentTarget) -> Result<Reply, Problem> {
    let (scope, id) = target.into_one()?;
    let missing = || Problem::not_found(format!("there is no document {id:?} here"));
    let found = documents::get(scope, id.clone()).await?.ok_or_else(missing)?;
    let found = Representation {
        media_type: found.media_type,
        content: found.content.into(),
        etag: found.etag,
        updated_ms: Some(found.updated),
    };
    let reply = found.into_reply(call)?.with_header("x-content-type-options", "nosniff");
    Ok(reply.with_header("content-security-policy", "sandbox; default-src 'none'"))
}

/// The ids of several.
async fn list_ids(call: &Call, target: DocumentTarget) -> Result<Reply, Problem> {
    let ids = documents::ids(target.scope, target.since_ms).await?;
    Representation::of_json(&json!(ids)).into_reply(call)
}

/// Stores a document in place of what is there.
async fn put_document(
    call: Call,
    verdict: &Verdict,
    target: DocumentTarget,
) -> Result<Reply, Problem> {
    if verdict.is_launch() && mark_of(&target) == Some(Marks::PREFERENCES) {
        return put_preferences(call, target).await;
    }
    put_any(call, target).await
}

/// What a launched unit says that its learner prefers: 403 for what cannot be that (cmi5, 11).
async fn put_preferences(mut call: Call, target: DocumentTarget) -> Result<Reply, Problem> {
    let is_json = call.header_text("content-type").is_some_and(merge::is_json);
    let content = call.read_content(DOCUMENT_BYTES_MAX).await?;
    let document = serde_json::from_slice(&content).ok().filter(|_| is_json).unwrap_or(Value::Null);
    let checked = conduct::check_preferences(&document);
    checked.map_err(|violation| Problem::forbidden(violation.to_string()))?;
    put_any(call, target).await
}

async fn put_any(call: Call, target: DocumentTarget) -> Result<Reply, Problem> {
    let conditions = Conditions::of_change(&call)?;
    let (precondition, is_blind) = match PutRule::of(target.scope.kind, call.version, conditions) {
        PutRule::If(precondition) => (precondition, false),
        PutRule::IfNew => (Precondition::Absent, true),
        PutRule::Never => return Err(refuse_blind(target).await?),
    };
    let (scope, id) = target.into_one()?;
    let (media_type, content) = read_content(call).await?;
    if merge::is_json(&media_type) {
        merge::check_json(&content)?;
    }
    let put = documents::put(scope, id, media_type, content.into(), precondition).await;
    match put {
        Ok(etag) => Ok(no_content().with_header("etag", &quote_etag(&etag))),
        Err(Error::Precondition) if is_blind => Err(there_is_one()),
        Err(error) => Err(error.into()),
    }
}

/// What is wrong with putting a profile without a condition, which 1.0.3 always wants (3.1).
async fn refuse_blind(target: DocumentTarget) -> Result<Problem, Problem> {
    let (scope, id) = target.into_one()?;
    if documents::get(scope, id).await?.is_some() {
        return Ok(there_is_one());
    }
    Ok(Problem::bad_request("send If-None-Match: * to put a new profile, or If-Match (xAPI 3.1)"))
}

fn there_is_one() -> Problem {
    let detail = "there is a document already: check its present state, and send its ETag as \
        If-Match to replace it, or POST to merge into it (xAPI 3.1)";
    Problem::new(StatusCode::CONFLICT, detail)
}

/// Merges a document into what is there (2.2).
async fn post_document(call: Call, target: DocumentTarget) -> Result<Reply, Problem> {
    let conditions = Conditions::of_change(&call)?;
    let (scope, id) = target.into_one()?;
    let (media_type, content) = read_content(call).await?;
    if merge::is_json(&media_type) {
        merge::check_object(&content)?;
    }
    let merged = |current: Option<&Document>| {
        conditions.check_etag(current.map(|current| current.etag.as_str()))?;
        match current {
            None => Ok(content.to_vec()),
            Some(current) => merge::merge_documents(current, &media_type, &content),
        }
    };
    change_document(&scope, &id, &media_type, merged).await?;
    Ok(no_content())
}

async fn delete_document(call: &Call, target: DocumentTarget) -> Result<Reply, Problem> {
    let (scope, id) = target.into_one()?;
    let precondition = Conditions::of_change(call)?.into_precondition();
    documents::delete(scope, id, precondition).await?;
    Ok(no_content())
}

/// Deletes the states of an agent in an activity.
async fn clear_documents(
    call: &Call,
    verdict: &Verdict,
    target: DocumentTarget,
) -> Result<Reply, Problem> {
    if !Conditions::of_change(call)?.is_empty() {
        let rule = "If-Match and If-None-Match go with the stateId of one document";
        return Err(Problem::bad_request(rule));
    }
    access::may_clear(verdict, &target).await?;
    documents::clear(target.scope).await?;
    Ok(no_content())
}

fn no_content() -> Reply {
    Reply::empty(StatusCode::NO_CONTENT)
}

/// The document of a request, with its media type.
async fn read_content(call: Call) -> Result<(String, Bytes), Problem> {
    let media_type =
        call.header_text("content-type").unwrap_or("application/octet-stream").to_owned();
    Ok((media_type, call.into_content(DOCUMENT_BYTES_MAX).await?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::types::DocumentScope;

    #[test]
    fn a_unit_is_ready_by_two_documents() {
        let mark = |kind, id: Option<&str>| {
            let scope = DocumentScope { kind, activity: None, agent: None, registration: None };
            mark_of(&DocumentTarget::for_test(scope, id))
        };
        let (state, agent) = (DocumentKind::State, DocumentKind::AgentProfile);
        assert_eq!(mark(state, Some(LAUNCH_DATA)), Some(Marks::LAUNCH_DATA));
        assert_eq!(mark(agent, Some(PREFERENCES)), Some(Marks::PREFERENCES));
        assert_eq!(mark(agent, Some(LAUNCH_DATA)), None);
        assert_eq!(mark(state, None), None);
    }
}
