//! What the LMS itself records.

use hedgeschool_cmi5::session::Session;
use hedgeschool_web::{Problem, now_ms, settings};
use hedgeschool_xapi::{Draft, Stamp, Version, format_timestamp};
use serde_json::{Value, json};

use crate::ids::make_id;
use crate::store::statements;

/// Records what the LMS says, in this order, all or none.
///
/// # Errors
/// 500 for a statement that breaks a rule; or the store failed.
pub async fn say_statements(
    session: &Session,
    statements: impl IntoIterator<Item = Value>,
) -> Result<(), Problem> {
    let authority = authority_of(session, &settings::text("node_id").await?)?;
    let now = format_timestamp(now_ms() * 1_000);
    let complete = |statement: Value| {
        let draft = Draft::from_value(&statement, Version::V1_0).map_err(Problem::internal)?;
        Ok(draft.complete(Stamp { id: make_id(), now: &now, authority: &authority }).body)
    };
    let bodies: Vec<_> = statements.into_iter().map(complete).collect::<Result<_, Problem>>()?;
    if !bodies.is_empty() {
        statements::append(bodies).await?;
    }
    Ok(())
}

/// Under which name the LMS records: the node's account, where its people have theirs.
fn authority_of(session: &Session, node: &str) -> Result<String, Problem> {
    let actor: Value = serde_json::from_str(&session.actor).map_err(Problem::internal)?;
    let home_page = actor.pointer("/account/homePage").cloned().unwrap_or_default();
    let account = json!({"homePage": home_page, "name": node});
    Ok(json!({"objectType": "Agent", "account": account}).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessions::test_session::test_session;

    #[test]
    fn the_node_has_an_account_where_its_people_have_theirs() {
        let expected =
            r#"{"account":{"homePage":"https://example.org","name":"edge"},"objectType":"Agent"}"#;
        assert_eq!(authority_of(&test_session(), "edge").unwrap(), expected);
    }

    #[test]
    fn what_the_lms_says_keeps_the_rules() {
        let session = test_session();
        for statement in
            [session.waived_statement("Tested Out"), session.abandoned_statement(1_000)]
        {
            assert!(Draft::from_value(&statement, Version::V1_0).is_ok(), "{statement}");
        }
    }
}
