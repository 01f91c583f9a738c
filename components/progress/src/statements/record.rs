//! Recording statements (2.1.1, 2.1.2).

use hedgeschool_credentials::{Scope, Verdict};
use hedgeschool_web::{Problem, Reply, StatusCode, now_ms, trace};
use hedgeschool_xapi::multipart::{self, Framing, Multipart, Part, check_claims};
use hedgeschool_xapi::signature::check_signatures;
use hedgeschool_xapi::{
    BATCH_STATEMENTS_MAX, Draft, Error, Parties, Record, STATEMENT_BYTES_MAX, Stamp, Version,
    format_timestamp, parse_batch, parse_one,
};
use serde_json::Value;

use crate::access;
use crate::call::Call;
use crate::ids::make_id;
use crate::sessions;
use crate::store::{attachments, statements, traces};

/// Largest body of statements alone, in bytes. A full batch of usual statements is a tenth of it.
const JSON_BYTES_MAX: usize = 8 * STATEMENT_BYTES_MAX;
/// Largest body of statements with attachments, in bytes.
const MULTIPART_BYTES_MAX: usize = 16 * STATEMENT_BYTES_MAX;

/// `POST statements`: one statement or many, answered with their ids.
///
/// # Errors
/// 400, 401, 403, 409 or 413.
pub async fn post_statements(call: Call) -> Result<Reply, Problem> {
    let verdict = access::require_scope(&call.headers, &[Scope::StatementsWrite]).await?;
    call.check_known(&[])?;
    Reply::json(&record_statements(call, &verdict, parse_batch).await?)
}

/// `PUT statements?statementId=…`: one statement, answered with nothing.
///
/// # Errors
/// 400, 401, 403, 409 or 413.
pub async fn put_statement(call: Call) -> Result<Reply, Problem> {
    let verdict = access::require_scope(&call.headers, &[Scope::StatementsWrite]).await?;
    call.check_known(&["statementId"])?;
    let id = call.require_parameter("statementId")?.to_owned();
    record_statements(call, &verdict, |text, version| parse_with_id(text, version, &id)).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// One statement of this id, which it may leave out.
fn parse_with_id<'a>(text: &'a str, version: Version, id: &str) -> Result<Vec<Draft<'a>>, Error> {
    let with_id = parse_one(text, version)?.with_id(id);
    Ok(vec![with_id.map_err(|violation| Error::Invalid { index: 0, violation })?])
}

/// Reads a request's body, statements that keep the rules with the attachments and signatures that
/// they need, stores all of it and answers the statements' ids.
async fn record_statements(
    call: Call,
    verdict: &Verdict,
    parse: impl for<'a> Fn(&'a str, Version) -> Result<Vec<Draft<'a>>, Error>,
) -> Result<Vec<String>, Problem> {
    let media_type = call.header_text("content-type").unwrap_or("application/json");
    let framing = Framing::of(media_type).map_err(refuse_framing)?;
    let limit = match framing {
        Framing::Json => JSON_BYTES_MAX,
        Framing::Multipart { .. } => MULTIPART_BYTES_MAX,
    };
    let version = call.version;
    let trace = trace::sampled(&call.headers).map(str::to_owned);
    let body = call.into_content(limit).await?;
    let Multipart { statements, parts } = take_apart(&body, &framing)?;
    let drafts = parse(statements, version).map_err(refuse_statements)?;
    check_claims(drafts.iter().map(Draft::value), &parts).map_err(refuse_framing)?;
    let data = |sha2: &str| parts.iter().find(|part| part.sha2 == sha2).map(|part| part.data);
    check_signatures(drafts.iter().map(Draft::value), &data).map_err(refuse_statements)?;
    store_statements(verdict, drafts, parts, trace.as_deref()).await
}

/// The statements' text and the parts beside it.
fn take_apart<'a>(body: &'a [u8], framing: &Framing) -> Result<Multipart<'a>, Problem> {
    match framing {
        Framing::Json => {
            let statements = std::str::from_utf8(body);
            let statements = statements.map_err(|_| Problem::bad_request("the body is not UTF-8"));
            Ok(Multipart { statements: statements?, parts: Vec::new() })
        }
        Framing::Multipart { boundary } => multipart::parse(body, boundary).map_err(refuse_framing),
    }
}

/// Completes the statements, stores them all or none, and answers their ids in order. Attachments
/// go first: they mean nothing until a statement claims them.
async fn store_statements(
    verdict: &Verdict,
    drafts: Vec<Draft<'_>>,
    parts: Vec<Part<'_>>,
    trace: Option<&str>,
) -> Result<Vec<String>, Problem> {
    let judged = if verdict.is_launch() { Judged::of(&drafts) } else { Judged::default() };
    let records = complete_all(drafts, &verdict.agent);
    let ids: Vec<_> = records.iter().map(|record| record.id.clone()).collect();
    access::may_record(verdict, ids.iter().map(String::as_str).zip(&judged.parties))?;
    let judgement = sessions::judge_statements(verdict, &judged.sent).await?;
    for part in parts {
        attachments::put(part.sha2, part.data.to_vec()).await?;
    }
    if let (Some(trace), Some(first)) = (trace, ids.first()) {
        // First, so that `sync` finds it with the statement. A trace is worth no refusal.
        let (slot, parent, statement) = (trace::any_slot(), trace.to_owned(), first.clone());
        let _ = traces::keep(traces::Trace { slot, parent, statement }).await;
    }
    statements::append(records.into_iter().map(|record| record.body).collect()).await?;
    if let Some(judgement) = judgement {
        judgement.settle_marks().await?;
    }
    Ok(ids)
}

/// What a launched unit is judged by. Of others it is not asked.
#[derive(Default)]
struct Judged {
    /// Whose the statements are.
    parties: Vec<Parties>,
    /// The statements as they were sent.
    sent: Vec<Value>,
}

impl Judged {
    fn of(drafts: &[Draft]) -> Self {
        let statements = || drafts.iter().map(Draft::value);
        Self {
            parties: statements().map(Parties::of).collect(),
            sent: statements().map(Value::from).collect(),
        }
    }
}

/// Gives statements what they lack, and the authority under which they are recorded.
fn complete_all(drafts: Vec<Draft<'_>>, authority: &str) -> Vec<Record> {
    let now = format_timestamp(now_ms() * 1_000);
    let complete = |draft: Draft| {
        let id = draft.id().unwrap_or_else(make_id);
        draft.complete(Stamp { id, now: &now, authority })
    };
    drafts.into_iter().map(complete).collect()
}

fn refuse_statements(error: Error) -> Problem {
    match error {
        Error::TooMany => Problem::too_large(format!(
            "a request may carry at most {BATCH_STATEMENTS_MAX} statements: send several"
        )),
        Error::TooLarge { .. } => Problem::too_large(error.to_string()),
        other => Problem::bad_request(other.to_string()),
    }
}

fn refuse_framing(error: multipart::Error) -> Problem {
    match error {
        multipart::Error::TooManyParts => Problem::too_large(error.to_string()),
        other => Problem::bad_request(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATEMENT: &str = r#"{"id":"00000000-0000-4000-8000-000000000001",
        "actor":{"mbox":"mailto:Ada@Example.org"},"verb":{"id":"urn:did"},
        "object":{"id":"urn:a"},"context":{"registration":"00000000-0000-4000-8000-00000000000A"}}"#;

    #[test]
    fn a_unit_is_judged_by_what_it_sent_and_for_what_it_sent_twice_once() {
        let body = format!("[{STATEMENT},{STATEMENT}]");
        let judged = Judged::of(&parse_batch(&body, Version::V1_0).unwrap());
        let sent: Value = serde_json::from_str(STATEMENT).unwrap();
        assert_eq!(judged.sent, [sent]);
        let parties = Parties {
            agent: Some("mbox:mailto:Ada@example.org".into()),
            registration: Some("00000000-0000-4000-8000-00000000000a".into()),
            authority: None,
        };
        assert_eq!(judged.parties, [parties]);
    }

    #[test]
    fn the_id_of_the_address_is_the_statements() {
        let of = |id: &str| parse_with_id(STATEMENT, Version::V1_0, id).is_ok();
        assert!(of("00000000-0000-4000-8000-000000000001"));
        assert!(!of("00000000-0000-4000-8000-000000000002"));
    }

    #[test]
    fn what_is_too_much_and_what_is_wrong_are_told_apart() {
        let status = |error| refuse_statements(error).status;
        assert_eq!(status(Error::TooMany), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(status(Error::TooLarge { index: 0 }), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(status(Error::NotStatements), StatusCode::BAD_REQUEST);
        let status = |error| refuse_framing(error).status;
        assert_eq!(status(multipart::Error::TooManyParts), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(status(multipart::Error::ContentType), StatusCode::BAD_REQUEST);
    }
}
