//! Who may read and change which documents.
//!
//! Clients go by their scopes. A launched unit and a person have documents of their own: a unit
//! those of its learner, of the states the ones in its registration; a person reads what is kept
//! about that person.

use hedgeschool_cmi5::vocabulary::LAUNCH_DATA;
use hedgeschool_credentials::{Scope, Subject, Verdict};
use hedgeschool_web::Problem;
use hedgeschool_xapi::agent_id;

use super::target::DocumentTarget;
use crate::store::documents;
use crate::store::types::{DocumentKind, DocumentScope};

/// Lets only those go on who may read these.
///
/// # Errors
/// 403.
pub fn may_read(verdict: &Verdict, target: &DocumentTarget) -> Result<(), Problem> {
    let scope = &target.scope;
    let right = right_to(scope.kind);
    match &verdict.subject {
        Subject::Launch { registration, .. } => of_launch(verdict, registration, scope, false),
        _ if verdict.may_read(right) => Ok(()),
        Subject::Person { .. } if is_own(verdict, scope)? => Ok(()),
        _ => Err(no_right(right)),
    }
}

/// Lets only those go on who may change these.
///
/// # Errors
/// 403.
pub fn may_change(verdict: &Verdict, target: &DocumentTarget) -> Result<(), Problem> {
    let scope = &target.scope;
    let right = right_to(scope.kind);
    match &verdict.subject {
        Subject::Launch { .. } if is_launch_data(target) => Err(keep_launch_data()),
        Subject::Launch { registration, .. } => of_launch(verdict, registration, scope, true),
        _ if verdict.allows(right) => Ok(()),
        _ => Err(no_right(right)),
    }
}

/// Keeps a unit from deleting how it was launched along with its states.
///
/// # Errors
/// 403.
pub async fn may_clear(verdict: &Verdict, target: &DocumentTarget) -> Result<(), Problem> {
    if !matches!(verdict.subject, Subject::Launch { .. }) {
        return Ok(());
    }
    let found = documents::get(target.scope.clone(), LAUNCH_DATA.to_owned()).await?;
    if found.is_some() { Err(keep_launch_data()) } else { Ok(()) }
}

fn is_launch_data(target: &DocumentTarget) -> bool {
    target.scope.kind == DocumentKind::State && target.id.as_deref() == Some(LAUNCH_DATA)
}

fn keep_launch_data() -> Problem {
    let detail = format!(
        "a launched unit must not change or delete {LAUNCH_DATA} (cmi5, 10): name other states by \
         stateId"
    );
    Problem::forbidden(detail)
}

/// What a launched unit may do. Profiles of activities are for it to read.
fn of_launch(
    verdict: &Verdict,
    registration: &str,
    scope: &DocumentScope,
    changes: bool,
) -> Result<(), Problem> {
    let refusal = match scope.kind {
        DocumentKind::State => {
            let same = scope.registration.as_deref() == Some(registration);
            let allowed = same && is_own(verdict, scope)?;
            (!allowed)
                .then_some("a launched unit has the states of its learner in its registration")
        }
        DocumentKind::AgentProfile => {
            (!is_own(verdict, scope)?).then_some("a launched unit has the profiles of its learner")
        }
        DocumentKind::ActivityProfile => {
            changes.then_some("a launched unit reads the profiles of activities")
        }
    };
    match refusal {
        None => Ok(()),
        Some(refusal) => Err(Problem::forbidden(format!("{refusal}, and nothing else"))),
    }
}

/// Whether the documents are the caller's agent's.
fn is_own(verdict: &Verdict, scope: &DocumentScope) -> Result<bool, Problem> {
    let own = agent_id(&verdict.agent).map_err(Problem::internal)?;
    Ok(scope.agent.as_ref() == Some(&own))
}

/// The right to documents.
fn right_to(kind: DocumentKind) -> Scope {
    match kind {
        DocumentKind::State => Scope::State,
        DocumentKind::ActivityProfile | DocumentKind::AgentProfile => Scope::Profile,
    }
}

fn no_right(right: Scope) -> Problem {
    Problem::forbidden(format!("these credentials do not have the xAPI scope {right} for this"))
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
