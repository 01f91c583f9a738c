//! Who may record and read what.

use hedgeschool_credentials::{Scope, Subject, Verdict};
use hedgeschool_web::{HeaderMap, Problem, identity};
use hedgeschool_xapi::{Facts, Record, agent_id};

use crate::store::types::Filter;

/// The caller, who must have one of the scopes; 401 or 403 otherwise.
pub async fn require(headers: &HeaderMap, scopes: &[Scope]) -> Result<Verdict, Problem> {
    let verdict = identity::verify_authorization(headers).await?;
    if scopes.iter().any(|scope| verdict.allows(*scope)) {
        return Ok(verdict);
    }
    Err(Problem::forbidden("these credentials do not have the xAPI scope for this request"))
}

/// The statements that some callers are confined to: one agent's and, of a launch, one registration's.
pub struct Own {
    agent: String,
    registration: Option<String>,
}

/// What the caller is confined to in reading. None: it may read all.
pub fn own(verdict: &Verdict) -> Result<Option<Own>, Problem> {
    if verdict.allows(Scope::StatementsRead) { Ok(None) } else { Own::of(verdict).map(Some) }
}

impl Own {
    fn of(verdict: &Verdict) -> Result<Self, Problem> {
        let registration = match &verdict.subject {
            Subject::Launch { registration, .. } => Some(registration.clone()),
            _ => None,
        };
        Ok(Self { agent: agent_id(&verdict.agent).map_err(Problem::internal)?, registration })
    }

    /// Whether a statement is one of them.
    pub fn covers(&self, body: &str) -> bool {
        Facts::of(body).is_some_and(|facts| {
            facts.agent.as_ref() == Some(&self.agent)
                && (self.registration.is_none() || facts.registration == self.registration)
        })
    }

    /// Confines a query to them; 403 if it asks for others by name.
    pub fn narrow(self, filter: &mut Filter) -> Result<(), Problem> {
        let agent = filter.agent.get_or_insert_with(|| self.agent.clone());
        let registration = filter.registration.take().or_else(|| self.registration.clone());
        let elsewhere = self.registration.is_some() && registration != self.registration;
        if *agent != self.agent || elsewhere {
            return Err(not_own());
        }
        filter.registration = registration;
        Ok(())
    }
}

/// 403 for who asks beyond what it is confined to.
pub fn not_own() -> Problem {
    Problem::forbidden(
        "these credentials read their own agent's and registration's statements only",
    )
}

/// A launched unit records for its learner, in its registration, and nothing else.
pub fn may_record(verdict: &Verdict, records: &[Record]) -> Result<(), Problem> {
    if !matches!(verdict.subject, Subject::Launch { .. }) {
        return Ok(());
    }
    let own = Own::of(verdict)?;
    match records.iter().find(|record| !own.covers(&record.body)) {
        None => Ok(()),
        Some(record) => Err(Problem::forbidden(format!(
            "statement {}: a launched unit records for the launch's actor and registration only",
            record.id
        ))),
    }
}
