//! Who may ask for what.

use hedgeschool_credentials::{Scope, Subject, Verdict};
use hedgeschool_web::{HeaderMap, Problem, identity};

use crate::error::Result;
use crate::store::Journal;

/// The node whose token the request carries; 401 or 403 otherwise.
pub async fn find_sender(headers: &HeaderMap) -> Result<String> {
    node_of(identity::verify_authorization(headers).await?)
}

fn node_of(caller: Verdict) -> Result<String> {
    match caller.subject {
        Subject::Node { id } => Ok(id),
        _ => Err(Problem::forbidden("only nodes replicate: use a node's token").into()),
    }
}

/// A token is good for the node it was given to.
pub fn check_same_node(sender: &str, claimed: &str) -> Result<()> {
    if sender == claimed {
        return Ok(());
    }
    let detail = format!("the token is that of node {sender:?}, the message of node {claimed:?}");
    Err(Problem { internal: Some(detail.clone()), ..Problem::forbidden(detail) }.into())
}

/// The journal of this name; 400 for another one.
pub fn find_journal(name: &str) -> Result<Journal> {
    let unknown = || Problem::bad_request(format!("this node has no journal {name:?}"));
    Ok(Journal::find_by_name(name).ok_or_else(unknown)?)
}

/// Administrators, and clients with full scope, may operate the node; by their credentials, which
/// no page makes a browser send.
pub async fn check_may_operate(headers: &HeaderMap) -> Result<()> {
    check_operator(&identity::verify_authorization(headers).await?)
}

fn check_operator(caller: &Verdict) -> Result<()> {
    if caller.is_administrator() || caller.allows(Scope::All) {
        return Ok(());
    }
    Err(Problem::forbidden("only administrators, and clients with scope `all`, may do this").into())
}

/// A round costs work here and upstream: clients with full scope, administrators and nodes may ask
/// for it.
pub async fn check_may_start_round(headers: &HeaderMap) -> Result<()> {
    check_starter(&identity::verify_authorization(headers).await?)
}

fn check_starter(caller: &Verdict) -> Result<()> {
    if caller.allows(Scope::All) || matches!(caller.subject, Subject::Node { .. }) {
        return Ok(());
    }
    let refusal = "these credentials may not start a round: use a client's with scope `all`";
    Err(Problem::forbidden(refusal).into())
}

#[cfg(test)]
mod tests {
    use hedgeschool_credentials::Role;

    use super::*;

    fn caller(subject: Subject, scopes: &[Scope]) -> Verdict {
        let scopes = scopes.iter().copied().collect();
        Verdict { subject, scopes, agent: String::new() }
    }

    fn node() -> Subject {
        Subject::Node { id: "edge".to_owned() }
    }

    fn client() -> Subject {
        Subject::Client { key: "ticker".to_owned() }
    }

    fn person(role: Role) -> Subject {
        let (name, display_name) = ("ann".to_owned(), "Ann".to_owned());
        Subject::Person { name, display_name, role, browser: String::new() }
    }

    #[test]
    fn only_nodes_replicate() {
        assert_eq!(node_of(caller(node(), &[])).ok().as_deref(), Some("edge"));
        for other in [client(), person(Role::Administrator)] {
            assert_eq!(refusal(node_of(caller(other, &[Scope::All])).map(drop)).unwrap().0, 403);
        }
    }

    #[test]
    fn who_operates_and_who_starts_rounds() {
        let may = |subject, scopes: &[Scope]| {
            let caller = caller(subject, scopes);
            (check_operator(&caller).is_ok(), check_starter(&caller).is_ok())
        };
        assert_eq!(may(client(), &[Scope::All]), (true, true));
        assert_eq!(may(client(), &[Scope::AllRead, Scope::StatementsWrite]), (false, false));
        assert_eq!(may(person(Role::Administrator), &[Scope::All]), (true, true));
        assert_eq!(may(person(Role::Administrator), &[]), (true, false));
        assert_eq!(may(person(Role::Learner), &[Scope::StatementsWrite]), (false, false));
        assert_eq!(may(node(), &[]), (false, true));
    }

    fn refusal(result: Result<()>) -> Option<(u16, Option<String>)> {
        let problem = result.err().map(Problem::from);
        problem.map(|problem| (problem.status.as_u16(), problem.internal))
    }

    #[test]
    fn a_token_is_good_for_its_own_node_alone() {
        assert_eq!(refusal(check_same_node("edge", "edge")), None);
        let (status, internal) = refusal(check_same_node("edge", "hub")).unwrap();
        assert_eq!(status, 403);
        assert!(internal.unwrap().contains("of node \"edge\", the message of node \"hub\""));
    }

    #[test]
    fn there_are_three_journals() {
        for name in ["identity", "content", "progress"] {
            assert_eq!(find_journal(name).unwrap().name(), name);
        }
        assert_eq!(refusal(find_journal("Progress").map(drop)).map(|it| it.0), Some(400));
    }
}
