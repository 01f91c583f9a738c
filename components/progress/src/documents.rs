//! The three document resources: an activity's state, its profile, and an agent's (2.2, 2.3, 2.6,
//! 2.7).

mod access;
mod merge;
mod place;

use bytes::Bytes;
use hedgeschool_cmi5::conduct::{self, Marks};
use hedgeschool_cmi5::vocabulary::{LAUNCH_DATA, PREFERENCES};
use hedgeschool_credentials::Verdict;
use hedgeschool_web::{Method, Problem, Reply, StatusCode, identity};
use hedgeschool_xapi::Version;
use serde_json::{Value, json};

use crate::call::Call;
use crate::conditional::{Conditions, Representation, quoted};
use crate::sessions;
use crate::store::documents;
use crate::store::types::{Document, DocumentKind, DocumentScope, Error, Precondition};
use place::Place;

/// Largest document, in bytes.
pub const BYTES_MAX: usize = 4 << 20;
/// How often a merge starts anew because others were faster. Each time one of them has been
/// served, so this many may write one document at the same time.
const TRIES_MAX: usize = 64;

/// Answers a request to `activities/state`.
pub async fn state(call: Call) -> Result<Reply, Problem> {
    answer(call, DocumentKind::State).await
}

/// Answers a request to `activities/profile`.
pub async fn activity_profile(call: Call) -> Result<Reply, Problem> {
    answer(call, DocumentKind::ActivityProfile).await
}

/// Answers a request to `agents/profile`.
pub async fn agent_profile(call: Call) -> Result<Reply, Problem> {
    answer(call, DocumentKind::AgentProfile).await
}

async fn answer(call: Call, kind: DocumentKind) -> Result<Reply, Problem> {
    let reads = call.reads();
    if !reads && !matches!(call.method, Method::PUT | Method::POST | Method::DELETE) {
        return Err(Problem::method_not_allowed("GET, HEAD, POST, PUT, DELETE, OPTIONS"));
    }
    let verdict = identity::verify_authorization(&call.headers).await?;
    let place = Place::of(&call, kind)?;
    let session = sessions::open(&verdict).await?;
    if reads {
        access::may_read(&verdict, &place)?;
        if let (Some(session), Some(read)) = (&session, mark(&place)) {
            sessions::note(session, read).await?;
        }
        return if place.id.is_some() {
            read(&call, place).await
        } else {
            list(&call, place).await
        };
    }
    access::may_change(&verdict, &place)?;
    match call.method {
        Method::PUT => put(call, &verdict, place).await,
        Method::POST => post(call, place).await,
        _ if place.id.is_some() => delete(&call, place).await,
        _ => clear(&call, &verdict, place).await,
    }
}

/// What a launched unit has done when it has asked for a document: it has to read two before it
/// says that it is ready (cmi5, 10 and 11).
fn mark(place: &Place) -> Option<Marks> {
    match (place.scope.kind, place.id.as_deref()) {
        (DocumentKind::State, Some(LAUNCH_DATA)) => Some(Marks::LAUNCH_DATA),
        (DocumentKind::AgentProfile, Some(PREFERENCES)) => Some(Marks::PREFERENCES),
        _ => None,
    }
}

/// One document, as it was sent. It is nobody's page: a browser that is led here runs nothing of
/// it.
async fn read(call: &Call, place: Place) -> Result<Reply, Problem> {
    let (scope, id) = place.one()?;
    let missing = || Problem::not_found(format!("there is no document {id:?} here"));
    let found = documents::get(scope, id.clone()).await?.ok_or_else(missing)?;
    let found = Representation {
        media_type: found.media_type,
        content: found.content.into(),
        etag: found.etag,
        updated_ms: Some(found.updated),
    };
    let reply = found.answer(call)?.with_header("x-content-type-options", "nosniff");
    Ok(reply.with_header("content-security-policy", "sandbox; default-src 'none'"))
}

/// The ids of several.
async fn list(call: &Call, place: Place) -> Result<Reply, Problem> {
    let ids = documents::ids(place.scope, place.since_ms).await?;
    Representation::of_json(&json!(ids)).answer(call)
}

/// Stores a document in place of what is there.
async fn put(call: Call, verdict: &Verdict, place: Place) -> Result<Reply, Problem> {
    if verdict.is_launch() && mark(&place) == Some(Marks::PREFERENCES) {
        return put_preferences(call, place).await;
    }
    put_any(call, place).await
}

/// What a launched unit says that its learner prefers: 403 for what cannot be that (cmi5, 11).
async fn put_preferences(mut call: Call, place: Place) -> Result<Reply, Problem> {
    let is_json = call.header("content-type").is_some_and(merge::is_json);
    let content = call.read_content(BYTES_MAX).await?;
    let document = serde_json::from_slice(&content).ok().filter(|_| is_json).unwrap_or(Value::Null);
    let checked = conduct::check_preferences(&document);
    checked.map_err(|violation| Problem::forbidden(violation.to_string()))?;
    put_any(call, place).await
}

async fn put_any(call: Call, place: Place) -> Result<Reply, Problem> {
    let conditions = Conditions::of_change(&call)?;
    let blind = conditions.is_empty();
    let precondition = match (place.scope.kind, call.version) {
        (DocumentKind::State, Version::V1_0) => conditions.precondition(),
        (_, Version::V1_0) if blind => return Err(refuse_blind(place).await?),
        (_, Version::V2_0) if blind => Precondition::Absent,
        _ => conditions.precondition(),
    };
    let (scope, id) = place.one()?;
    let (media_type, content) = content(call).await?;
    if merge::is_json(&media_type) {
        merge::check(&content)?;
    }
    let put = documents::put(scope, id, media_type, content.into(), precondition).await;
    match put {
        Ok(etag) => Ok(done().with_header("etag", &quoted(&etag))),
        Err(Error::Precondition) if blind => Err(conflict()),
        Err(error) => Err(error.into()),
    }
}

/// What is wrong with putting a profile without a condition, which 1.0.3 always wants (3.1).
async fn refuse_blind(place: Place) -> Result<Problem, Problem> {
    let (scope, id) = place.one()?;
    if documents::get(scope, id).await?.is_some() {
        return Ok(conflict());
    }
    Ok(Problem::bad_request("send If-None-Match: * to put a new profile, or If-Match (xAPI 3.1)"))
}

fn conflict() -> Problem {
    let detail = "there is a document already: check its present state, and send its ETag as \
        If-Match to replace it, or POST to merge into it (xAPI 3.1)";
    Problem::new(StatusCode::CONFLICT, detail)
}

/// Merges a document into what is there (2.2).
async fn post(call: Call, place: Place) -> Result<Reply, Problem> {
    let conditions = Conditions::of_change(&call)?;
    let (scope, id) = place.one()?;
    let (media_type, content) = content(call).await?;
    if merge::is_json(&media_type) {
        merge::check_object(&content)?;
    }
    let merged = |current: Option<&Document>| {
        conditions.check(current.map(|current| current.etag.as_str()))?;
        match current {
            None => Ok(content.to_vec()),
            Some(current) => merge::merge(current, &media_type, &content),
        }
    };
    update(&scope, &id, &media_type, merged).await?;
    Ok(done())
}

/// Changes a document. Reads, changes, and puts if it is still what was read, so that nothing of
/// those who do the same at the same time is lost.
pub async fn update(
    scope: &DocumentScope,
    id: &str,
    media_type: &str,
    change: impl Fn(Option<&Document>) -> Result<Vec<u8>, Problem>,
) -> Result<(), Problem> {
    for _ in 0..TRIES_MAX {
        let current = documents::get(scope.clone(), id.to_owned()).await?;
        let changed = change(current.as_ref())?;
        if changed.len() > BYTES_MAX {
            let detail = format!("the document would have more than {BYTES_MAX} bytes");
            return Err(Problem::too_large(detail));
        }
        let precondition = match current {
            None => Precondition::Absent,
            Some(current) => Precondition::Matches(vec![current.etag]),
        };
        let (scope, id) = (scope.clone(), id.to_owned());
        match documents::put(scope, id, media_type.to_owned(), changed, precondition).await {
            Err(Error::Precondition) => {}
            outcome => return outcome.map(drop).map_err(Problem::from),
        }
    }
    Err(Problem::busy())
}

async fn delete(call: &Call, place: Place) -> Result<Reply, Problem> {
    let (scope, id) = place.one()?;
    let precondition = Conditions::of_change(call)?.precondition();
    documents::delete(scope, id, precondition).await?;
    Ok(done())
}

/// Deletes the states of an agent in an activity.
async fn clear(call: &Call, verdict: &Verdict, place: Place) -> Result<Reply, Problem> {
    if !Conditions::of_change(call)?.is_empty() {
        let rule = "If-Match and If-None-Match go with the stateId of one document";
        return Err(Problem::bad_request(rule));
    }
    access::may_clear(verdict, &place).await?;
    documents::clear(place.scope).await?;
    Ok(done())
}

fn done() -> Reply {
    Reply::empty(StatusCode::NO_CONTENT)
}

/// The document of a request, with its media type.
async fn content(call: Call) -> Result<(String, Bytes), Problem> {
    let media_type = call.header("content-type").unwrap_or("application/octet-stream").to_owned();
    Ok((media_type, call.into_content(BYTES_MAX).await?))
}
