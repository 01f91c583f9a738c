//! Recording statements (2.1.1, 2.1.2).

use hedgeschool_credentials::{Scope, Verdict};
use hedgeschool_web::{Problem, Query, Reply, Request, StatusCode, body, now_ms, random_bytes};
use hedgeschool_xapi::{
    BATCH_STATEMENTS_MAX, Draft, Error, Record, STATEMENT_BYTES_MAX, Stamp, Version, Violation,
    format_timestamp, parse_batch, parse_one,
};
use uuid::Builder;

use crate::access;
use crate::store::statements;
use crate::store::types::NewStatement;

/// Largest body, in bytes. A full batch of usual statements is a tenth of it.
const BODY_BYTES_MAX: usize = 8 * STATEMENT_BYTES_MAX;

/// `POST statements`: one statement or many, answered with their ids.
pub async fn post(request: Request, version: Version) -> Result<Reply, Problem> {
    let verdict = access::require(request.headers(), &[Scope::StatementsWrite]).await?;
    let drafts = parse_batch(&text(request).await?, version).map_err(problem)?;
    let ids = store(&verdict, drafts).await?;
    Reply::json(&ids)
}

/// `PUT statements?statementId=…`: one statement, answered with nothing.
pub async fn put(request: Request, version: Version) -> Result<Reply, Problem> {
    let verdict = access::require(request.headers(), &[Scope::StatementsWrite]).await?;
    let query = Query::of(&request);
    let id = query.get("statementId");
    let id = id.ok_or_else(|| Problem::bad_request("the parameter statementId is missing"))?;
    let draft = parse_one(&text(request).await?, version).map_err(problem)?;
    let draft = draft
        .with_id(id)
        .map_err(|violation: Violation| Problem::bad_request(violation.to_string()))?;
    store(&verdict, vec![draft]).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

async fn text(request: Request) -> Result<String, Problem> {
    let media_type = hedgeschool_web::header(request.headers(), "content-type").unwrap_or_default();
    if !media_type.trim_start().starts_with("application/json") {
        return Err(Problem::bad_request("send statements as content-type: application/json"));
    }
    let bytes = body::read(request, BODY_BYTES_MAX).await?;
    String::from_utf8(bytes.into()).map_err(|_| Problem::bad_request("the body is not UTF-8"))
}

/// Completes the statements, stores them all or none, and answers their ids in order.
async fn store(verdict: &Verdict, drafts: Vec<Draft>) -> Result<Vec<String>, Problem> {
    let now = format_timestamp(now_ms() * 1_000);
    let complete = |draft: Draft| {
        let id = Builder::from_random_bytes(random_bytes()).into_uuid().hyphenated().to_string();
        draft.complete(Stamp { id, now: &now, authority: &verdict.agent })
    };
    let records: Vec<_> = drafts.into_iter().map(complete).collect();
    access::may_record(verdict, &records)?;
    let ids = records.iter().map(|record| record.id.clone()).collect();
    statements::append(records.into_iter().map(NewStatement::from).collect()).await?;
    Ok(ids)
}

impl From<Record> for NewStatement {
    fn from(record: Record) -> Self {
        Self { id: record.id, body: record.body, fingerprint: record.fingerprint }
    }
}

fn problem(error: Error) -> Problem {
    match error {
        Error::TooMany => Problem::too_large(format!(
            "a request may carry at most {BATCH_STATEMENTS_MAX} statements: send several"
        )),
        other => Problem::bad_request(other.to_string()),
    }
}
