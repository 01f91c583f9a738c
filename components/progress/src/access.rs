//! Who may record and read what.

use hedgeschool_credentials::{Mine, Scope, Subject, Verdict};
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

/// The statements that some callers are confined to (`Verdict::mine`).
#[derive(Default)]
pub struct Own {
    agent: Option<String>,
    registration: Option<String>,
    authority: Option<String>,
}

/// What the caller is confined to in reading. None: it may read all.
pub fn own(verdict: &Verdict) -> Result<Option<Own>, Problem> {
    if verdict.allows(Scope::StatementsRead) { Ok(None) } else { Own::of(verdict).map(Some) }
}

impl Own {
    fn of(verdict: &Verdict) -> Result<Self, Problem> {
        let id = |agent: &str| agent_id(agent).map(Some).map_err(Problem::internal);
        Ok(match verdict.mine() {
            Mine::RecordedBy(agent) => Self { authority: id(agent)?, ..Self::default() },
            Mine::About { agent, registration } => Self {
                agent: id(agent)?,
                registration: registration.map(str::to_owned),
                authority: None,
            },
        })
    }

    /// Whether a statement is one of them.
    pub fn covers(&self, body: &str) -> bool {
        let same = |own: &Option<String>, its: &Option<String>| own.is_none() || own == its;
        Facts::of(body).is_some_and(|facts| {
            same(&self.agent, &facts.agent)
                && same(&self.registration, &facts.registration)
                && same(&self.authority, &facts.authority)
        })
    }

    /// Confines a query to them; 403 if it asks for others by name.
    pub fn narrow(self, filter: &mut Filter) -> Result<(), Problem> {
        filter.authority = self.authority;
        confine(&mut filter.agent, self.agent)?;
        confine(&mut filter.registration, self.registration)
    }
}

/// Puts what the caller is confined to in the place of what it did not ask for.
fn confine(asked: &mut Option<String>, own: Option<String>) -> Result<(), Problem> {
    let Some(own) = own else { return Ok(()) };
    if *asked.get_or_insert_with(|| own.clone()) == own { Ok(()) } else { Err(not_own()) }
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
