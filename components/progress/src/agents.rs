//! The agents resource: what is known of an agent, as a person (2.4).

use hedgeschool_credentials::{Scope, Subject, Verdict};
use hedgeschool_web::{Problem, Reply};
use hedgeschool_xapi::{IDENTIFIERS, agent_id};
use serde_json::{Map, Value, json};

use crate::access;
use crate::call::{Call, missing_parameter};
use crate::conditional::Representation;
use crate::store::directory;

/// Answers a request to `agents`. One persona is never said to be another: the identifier is the
/// one that was asked for, and only names come from statements.
///
/// # Errors
/// 400, 401, 403, 405, or as of [`Representation::into_reply`].
pub async fn answer_person(call: &Call) -> Result<Reply, Problem> {
    call.check_read()?;
    let verdict =
        access::require_scope(&call.headers, &[Scope::StatementsReadMine, Scope::Profile]).await?;
    call.check_known(&["agent"])?;
    let text = call.require_parameter("agent")?;
    let refused = |reason: String| Problem::bad_request(format!("the parameter agent: {reason}"));
    let id = call.read_agent("agent")?.ok_or_else(|| missing_parameter("agent"))?;
    let agent: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| refused(error.to_string()))?;
    if agent.get("objectType").is_some_and(|kind| kind == "Group") {
        return Err(refused("must be an agent and not a group (xAPI 2.4)".into()));
    }
    check_own(&verdict, &id)?;
    let names = directory::names(id).await?;
    Representation::of_json(&make_person(&agent, names)).into_reply(call)
}

/// 403 for a person or a launched unit that asks for another agent than its own.
fn check_own(verdict: &Verdict, id: &str) -> Result<(), Problem> {
    let is_confined = matches!(verdict.subject, Subject::Launch { .. } | Subject::Person { .. })
        && !verdict.allows(Scope::StatementsRead);
    let own = agent_id(&verdict.agent).map_err(Problem::internal)?;
    if is_confined && own != id {
        return Err(Problem::forbidden(
            "these credentials read what is known of their own agent only",
        ));
    }
    Ok(())
}

/// A person object: the agent with a list in the place of each value.
fn make_person(agent: &Map<String, Value>, mut names: Vec<String>) -> Value {
    if let Some(name) = agent.get("name").and_then(Value::as_str)
        && !names.iter().any(|known| known == name)
    {
        names.push(name.to_owned());
    }
    let mut person = Map::from_iter([("objectType".to_owned(), json!("Person"))]);
    if !names.is_empty() {
        person.insert("name".into(), json!(names));
    }
    for name in IDENTIFIERS {
        if let Some(identifier) = agent.get(name) {
            person.insert(name.into(), json!([identifier]));
        }
    }
    Value::Object(person)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_person_has_the_identifier_that_was_asked_for_and_names_once() {
        let agent = json!({"mbox": "mailto:a@example.org", "name": "Ada", "objectType": "Agent"});
        let Value::Object(agent) = agent else { panic!("no object") };
        let person = make_person(&agent, vec!["Ada".into(), "A".into()]);
        let expected = json!({
            "objectType": "Person", "name": ["Ada", "A"], "mbox": ["mailto:a@example.org"],
        });
        assert_eq!(person, expected);
        assert_eq!(make_person(&agent, Vec::new())["name"], json!(["Ada"]));
    }

    #[test]
    fn people_and_units_ask_for_their_own_agent_only() {
        let agent = r#"{"mbox":"mailto:a@example.org"}"#;
        let verdict = |subject, scope| Verdict {
            subject,
            scopes: BTreeSet::from([scope]),
            agent: agent.to_owned(),
        };
        let client = || Subject::Client { key: "k".into() };
        let launch = || Subject::Launch {
            registration: "r".into(),
            session: "s".into(),
            activity: "urn:a".into(),
            learner: "a".into(),
        };
        let (own, other) = ("mbox:mailto:a@example.org", "mbox:mailto:b@example.org");
        let may = |subject, scope, id| check_own(&verdict(subject, scope), id).is_ok();
        assert!(may(launch(), Scope::StatementsReadMine, own));
        assert!(!may(launch(), Scope::StatementsReadMine, other));
        assert!(may(launch(), Scope::StatementsRead, other));
        assert!(may(client(), Scope::StatementsReadMine, other));
    }
}
