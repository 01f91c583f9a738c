//! Who may record and read which statements.

use hedgeschool_credentials::{Mine, Scope, Verdict};
use hedgeschool_web::{HeaderMap, Problem, identity};
use hedgeschool_xapi::{Parties, agent_id};

use crate::store::types::Filter;

/// The caller, who must have one of the scopes.
///
/// # Errors
/// 401 for nobody known, 403 for one without the scopes.
pub async fn require_scope(headers: &HeaderMap, scopes: &[Scope]) -> Result<Verdict, Problem> {
    let verdict = identity::verify_authorization(headers).await?;
    if scopes.iter().any(|scope| verdict.allows(*scope)) {
        return Ok(verdict);
    }
    Err(Problem::forbidden("these credentials do not have the xAPI scope for this request"))
}

/// The statements that some callers are confined to (`Verdict::mine`): what is set must be theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confinement(Parties);

impl Confinement {
    /// What the caller is confined to in reading. None: it may read all.
    ///
    /// # Errors
    /// 500 if the caller's agent is none.
    pub fn of_reader(verdict: &Verdict) -> Result<Option<Self>, Problem> {
        let may_read_all = verdict.allows(Scope::StatementsRead);
        if may_read_all { Ok(None) } else { Self::of_verdict(verdict).map(Some) }
    }

    fn of_verdict(verdict: &Verdict) -> Result<Self, Problem> {
        let id = |agent: &str| agent_id(agent).map(Some).map_err(Problem::internal);
        Ok(Self(match verdict.mine() {
            Mine::RecordedBy(agent) => Parties { authority: id(agent)?, ..Parties::default() },
            Mine::About { agent, registration } => Parties {
                agent: id(agent)?,
                registration: registration.map(str::to_owned),
                authority: None,
            },
        }))
    }

    /// Whether a statement of these parties is one of them.
    pub fn covers_statement(&self, parties: &Parties) -> bool {
        let same = |own: &Option<String>, its: &Option<String>| own.is_none() || own == its;
        let Self(own) = self;
        same(&own.agent, &parties.agent)
            && same(&own.registration, &parties.registration)
            && same(&own.authority, &parties.authority)
    }

    /// Confines a query to them.
    ///
    /// # Errors
    /// 403 if it asks for others by name.
    pub fn narrow_filter(self, filter: &mut Filter) -> Result<(), Problem> {
        let Self(own) = self;
        filter.authority = own.authority;
        confine_condition(&mut filter.agent, own.agent)?;
        confine_condition(&mut filter.registration, own.registration)
    }
}

/// Puts what the caller is confined to in the place of what it did not ask for.
fn confine_condition(asked: &mut Option<String>, own: Option<String>) -> Result<(), Problem> {
    let Some(own) = own else { return Ok(()) };
    match asked {
        None => *asked = Some(own),
        Some(asked) if *asked == own => {}
        Some(_) => return Err(not_own()),
    }
    Ok(())
}

/// 403: the caller asks beyond what it is confined to.
pub fn not_own() -> Problem {
    Problem::forbidden(
        "these credentials read their own agent's and registration's statements only",
    )
}

/// Lets a launched unit record for its learner, in its registration, and nothing else. Each
/// statement is given by its id and its parties.
///
/// # Errors
/// 403 for the first that is another's.
pub fn may_record<'a>(
    verdict: &Verdict,
    statements: impl IntoIterator<Item = (&'a str, &'a Parties)>,
) -> Result<(), Problem> {
    if !verdict.is_launch() {
        return Ok(());
    }
    let own = Confinement::of_verdict(verdict)?;
    match statements.into_iter().find(|(_, parties)| !own.covers_statement(parties)) {
        None => Ok(()),
        Some((id, _)) => Err(Problem::forbidden(format!(
            "statement {id}: a launched unit records for the launch's actor and registration only"
        ))),
    }
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
