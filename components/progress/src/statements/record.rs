//! Recording statements (2.1.1, 2.1.2).

use bytes::Bytes;
use hedgeschool_credentials::{Scope, Verdict};
use hedgeschool_web::{Problem, Reply, StatusCode, now_ms, random_bytes};
use hedgeschool_xapi::multipart::{self, Framing, Part, check_claims};
use hedgeschool_xapi::signature::check_signatures;
use hedgeschool_xapi::{
    BATCH_STATEMENTS_MAX, Draft, Error, Record, STATEMENT_BYTES_MAX, Stamp, Version, Violation,
    format_timestamp, parse_batch, parse_one,
};
use uuid::Builder;

use crate::access;
use crate::call::Call;
use crate::store::attachments;
use crate::store::statements;
use crate::store::types::NewStatement;

/// Largest body of statements alone, in bytes. A full batch of usual statements is a tenth of it.
const JSON_BYTES_MAX: usize = 8 * STATEMENT_BYTES_MAX;
/// Largest body of statements with attachments, in bytes.
const MULTIPART_BYTES_MAX: usize = 16 * STATEMENT_BYTES_MAX;

/// How a body is read: one statement or many.
type Parse = fn(&str, Version) -> Result<Vec<Draft>, Error>;

/// `POST statements`: one statement or many, answered with their ids.
pub async fn post(call: Call) -> Result<Reply, Problem> {
    let verdict = access::require(&call.headers, &[Scope::StatementsWrite]).await?;
    call.only(&[])?;
    let (sent, drafts) = Sent::read(call, parse_batch).await?;
    let ids = store(&verdict, &sent, drafts).await?;
    Reply::json(&ids)
}

/// `PUT statements?statementId=…`: one statement, answered with nothing.
pub async fn put(call: Call) -> Result<Reply, Problem> {
    let verdict = access::require(&call.headers, &[Scope::StatementsWrite]).await?;
    call.only(&["statementId"])?;
    let id = call.required("statementId")?.to_owned();
    let one: Parse = |text, version| Ok(vec![parse_one(text, version)?]);
    let (sent, drafts) = Sent::read(call, one).await?;
    let with_id = |draft: Draft| draft.with_id(&id).map_err(broken);
    let drafts = drafts.into_iter().map(with_id).collect::<Result<_, _>>()?;
    store(&verdict, &sent, drafts).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// A body, and how it is made up.
struct Sent {
    body: Bytes,
    framing: Framing,
}

impl Sent {
    /// Reads a request's body: statements that keep the rules, with the attachments and signatures that
    /// they need.
    async fn read(call: Call, parse: Parse) -> Result<(Self, Vec<Draft>), Problem> {
        let media_type = call.header("content-type").unwrap_or("application/json");
        let framing = Framing::of(media_type).map_err(malformed)?;
        let limit = match framing {
            Framing::Json => JSON_BYTES_MAX,
            Framing::Multipart { .. } => MULTIPART_BYTES_MAX,
        };
        let version = call.version;
        let sent = Self { body: call.into_content(limit).await?, framing };
        let (text, parts) = sent.parts()?;
        let drafts = parse(text, version).map_err(refused)?;
        check_claims(drafts.iter().map(Draft::value), &parts).map_err(malformed)?;
        let data = |sha2: &str| parts.iter().find(|part| part.sha2 == sha2).map(|part| part.data);
        check_signatures(drafts.iter().map(Draft::value), &data).map_err(refused)?;
        Ok((sent, drafts))
    }

    /// The statements' text and the parts beside it.
    fn parts(&self) -> Result<(&str, Vec<Part<'_>>), Problem> {
        match &self.framing {
            Framing::Json => {
                let text = std::str::from_utf8(&self.body);
                Ok((text.map_err(|_| Problem::bad_request("the body is not UTF-8"))?, Vec::new()))
            }
            Framing::Multipart { boundary } => {
                let read = multipart::parse(&self.body, boundary).map_err(malformed)?;
                Ok((read.statements, read.parts))
            }
        }
    }
}

/// Completes the statements, stores them all or none, and answers their ids in order. Attachments go
/// first: they mean nothing until a statement claims them.
async fn store(verdict: &Verdict, sent: &Sent, drafts: Vec<Draft>) -> Result<Vec<String>, Problem> {
    let now = format_timestamp(now_ms() * 1_000);
    let complete = |draft: Draft| {
        let id = Builder::from_random_bytes(random_bytes()).into_uuid().hyphenated().to_string();
        draft.complete(Stamp { id, now: &now, authority: &verdict.agent })
    };
    let records: Vec<_> = drafts.into_iter().map(complete).collect();
    access::may_record(verdict, &records)?;
    for part in sent.parts()?.1 {
        attachments::put(part.sha2, part.data.to_vec()).await?;
    }
    let ids = records.iter().map(|record| record.id.clone()).collect();
    statements::append(records.into_iter().map(NewStatement::from).collect()).await?;
    Ok(ids)
}

impl From<Record> for NewStatement {
    fn from(record: Record) -> Self {
        Self { id: record.id, body: record.body, fingerprint: record.fingerprint }
    }
}

fn refused(error: Error) -> Problem {
    match error {
        Error::TooMany => Problem::too_large(format!(
            "a request may carry at most {BATCH_STATEMENTS_MAX} statements: send several"
        )),
        other => Problem::bad_request(other.to_string()),
    }
}

fn malformed(error: multipart::Error) -> Problem {
    Problem::bad_request(error.to_string())
}

fn broken(violation: Violation) -> Problem {
    Problem::bad_request(violation.to_string())
}
