//! Who may record and read what.

use hedgeschool_credentials::{Scope, Subject, Verdict};
use hedgeschool_web::{HeaderMap, Problem, identity};
use hedgeschool_xapi::{Facts, Record, agent_id};

/// The caller, who must have one of the scopes; 401 or 403 otherwise.
pub async fn require(headers: &HeaderMap, scopes: &[Scope]) -> Result<Verdict, Problem> {
    let verdict = identity::verify_authorization(headers).await?;
    if scopes.iter().any(|scope| verdict.allows(*scope)) {
        return Ok(verdict);
    }
    Err(Problem::forbidden("these credentials do not have the xAPI scope for this request"))
}

/// A launched unit records for its learner, in its registration, and nothing else.
pub fn may_record(verdict: &Verdict, records: &[Record]) -> Result<(), Problem> {
    let Subject::Launch { registration, .. } = &verdict.subject else { return Ok(()) };
    let learner = agent_id(&verdict.agent).map_err(Problem::internal)?;
    let own = |record: &Record| {
        Facts::of(&record.body).is_some_and(|facts| {
            facts.agent.as_deref() == Some(&learner)
                && facts.registration.as_deref() == Some(registration)
        })
    };
    match records.iter().find(|record| !own(record)) {
        None => Ok(()),
        Some(record) => Err(Problem::forbidden(format!(
            "statement {}: a launched unit records for the launch's actor and registration only",
            record.id
        ))),
    }
}
