//! Recording statements (2.1.1, 2.1.2).

use hedgeschool_credentials::{Scope, Verdict};
use hedgeschool_web::{Problem, Reply, StatusCode, now_ms, random_bytes, trace};
use hedgeschool_xapi::multipart::{self, Framing, Multipart, Part, check_claims};
use hedgeschool_xapi::signature::check_signatures;
use hedgeschool_xapi::{
    BATCH_STATEMENTS_MAX, Draft, Error, STATEMENT_BYTES_MAX, Stamp, Version, format_timestamp,
    parse_batch, parse_one,
};
use serde_json::Value;
use uuid::Builder;

use crate::access;
use crate::call::Call;
use crate::sessions;
use crate::store::{attachments, statements, traces};

/// Largest body of statements alone, in bytes. A full batch of usual statements is a tenth of it.
const JSON_BYTES_MAX: usize = 8 * STATEMENT_BYTES_MAX;
/// Largest body of statements with attachments, in bytes.
const MULTIPART_BYTES_MAX: usize = 16 * STATEMENT_BYTES_MAX;

/// `POST statements`: one statement or many, answered with their ids.
pub async fn post(call: Call) -> Result<Reply, Problem> {
    let verdict = access::require(&call.headers, &[Scope::StatementsWrite]).await?;
    call.only(&[])?;
    Reply::json(&record(call, &verdict, None, parse_batch).await?)
}

/// `PUT statements?statementId=…`: one statement, answered with nothing.
pub async fn put(call: Call) -> Result<Reply, Problem> {
    let verdict = access::require(&call.headers, &[Scope::StatementsWrite]).await?;
    call.only(&["statementId"])?;
    let id = call.required("statementId")?.to_owned();
    record(call, &verdict, Some(&id), |text, version| parse_with_id(text, version, &id)).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// One statement of this id, which it may leave out.
fn parse_with_id<'a>(text: &'a str, version: Version, id: &str) -> Result<Vec<Draft<'a>>, Error> {
    let with_id = parse_one(text, version)?.with_id(id);
    Ok(vec![with_id.map_err(|violation| Error::Invalid { index: 0, violation })?])
}

/// Reads a request's body, statements that keep the rules with the attachments and signatures that
/// they need, stores all of it and answers the statements' ids. `id`: the id that the address
/// gives the one statement.
async fn record(
    call: Call,
    verdict: &Verdict,
    id: Option<&str>,
    parse: impl Fn(&str, Version) -> Result<Vec<Draft<'_>>, Error>,
) -> Result<Vec<String>, Problem> {
    let media_type = call.header("content-type").unwrap_or("application/json");
    let framing = Framing::of(media_type).map_err(malformed)?;
    let limit = match framing {
        Framing::Json => JSON_BYTES_MAX,
        Framing::Multipart { .. } => MULTIPART_BYTES_MAX,
    };
    let version = call.version;
    let trace = trace::sampled(&call.headers).map(str::to_owned);
    let body = call.into_content(limit).await?;
    let Multipart { statements, parts } = take_apart(&body, &framing)?;
    let drafts = parse(statements, version).map_err(refused)?;
    check_claims(drafts.iter().map(Draft::value), &parts).map_err(malformed)?;
    let data = |sha2: &str| parts.iter().find(|part| part.sha2 == sha2).map(|part| part.data);
    check_signatures(drafts.iter().map(Draft::value), &data).map_err(refused)?;
    let sent = if verdict.is_launch() { values(statements, id)? } else { Vec::new() };
    store(verdict, drafts, parts, &sent, trace.as_deref()).await
}

/// The statements of a body that was understood before, as they were sent.
fn values(text: &str, id: Option<&str>) -> Result<Vec<Value>, Problem> {
    let mut sent = match serde_json::from_str(text).map_err(Problem::internal)? {
        Value::Array(sent) => sent,
        one => vec![one],
    };
    for (statement, id) in sent.iter_mut().filter_map(Value::as_object_mut).zip(id) {
        statement.entry("id").or_insert_with(|| id.into());
    }
    Ok(sent)
}

/// The statements' text and the parts beside it.
fn take_apart<'a>(body: &'a [u8], framing: &Framing) -> Result<Multipart<'a>, Problem> {
    match framing {
        Framing::Json => {
            let statements = std::str::from_utf8(body);
            let statements = statements.map_err(|_| Problem::bad_request("the body is not UTF-8"));
            Ok(Multipart { statements: statements?, parts: Vec::new() })
        }
        Framing::Multipart { boundary } => multipart::parse(body, boundary).map_err(malformed),
    }
}

/// Completes the statements, stores them all or none, and answers their ids in order. Attachments
/// go first: they mean nothing until a statement claims them.
async fn store(
    verdict: &Verdict,
    drafts: Vec<Draft<'_>>,
    parts: Vec<Part<'_>>,
    sent: &[Value],
    trace: Option<&str>,
) -> Result<Vec<String>, Problem> {
    let now = format_timestamp(now_ms() * 1_000);
    let complete = |draft: Draft| {
        let id = Builder::from_random_bytes(random_bytes()).into_uuid().hyphenated().to_string();
        draft.complete(Stamp { id, now: &now, authority: &verdict.agent })
    };
    let records: Vec<_> = drafts.into_iter().map(complete).collect();
    access::may_record(verdict, &records)?;
    let judgement = sessions::judge(verdict, sent).await?;
    for part in parts {
        attachments::put(part.sha2, part.data.to_vec()).await?;
    }
    let ids: Vec<_> = records.iter().map(|record| record.id.clone()).collect();
    if let (Some(trace), Some(first)) = (trace, ids.first()) {
        // First, so that `sync` finds it with the statement. A trace is worth no refusal.
        let (slot, parent, statement) = (trace::any_slot(), trace.to_owned(), first.clone());
        let _ = traces::keep(traces::Trace { slot, parent, statement }).await;
    }
    statements::append(records.into_iter().map(|record| record.body).collect()).await?;
    if let Some(judgement) = judgement {
        judgement.settle().await?;
    }
    Ok(ids)
}

fn refused(error: Error) -> Problem {
    match error {
        Error::TooMany => Problem::too_large(format!(
            "a request may carry at most {BATCH_STATEMENTS_MAX} statements: send several"
        )),
        Error::TooLarge { .. } => Problem::too_large(error.to_string()),
        other => Problem::bad_request(other.to_string()),
    }
}

fn malformed(error: multipart::Error) -> Problem {
    match error {
        multipart::Error::TooManyParts => Problem::too_large(error.to_string()),
        other => Problem::bad_request(other.to_string()),
    }
}
