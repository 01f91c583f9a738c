//! xAPI agents of people, clients and nodes.

use hedgeschool_web::{Problem, settings};
use serde_json::json;

/// The agent of an account of this provider, as JSON. The home page is the provider's, the same at
/// all its nodes, so that a learner is one agent wherever the record is made.
pub async fn of_account(name: &str, display_name: &str) -> Result<String, Problem> {
    let home_page = settings::text("account_home_page").await?;
    Ok(account_agent(&home_page, name, display_name))
}

/// The agent of an xAPI client: the authority of what it records.
pub async fn of_client(key: &str, name: &str) -> Result<String, Problem> {
    of_account(&client_account(key), name).await
}

fn account_agent(home_page: &str, name: &str, display_name: &str) -> String {
    let account = json!({ "homePage": home_page, "name": name });
    json!({ "objectType": "Agent", "name": display_name, "account": account }).to_string()
}

/// No person's name has a colon, so no person can be taken for a client.
fn client_account(key: &str) -> String {
    format!("client:{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_one_wherever_the_record_is_made() {
        let id = |home_page, name, display_name| {
            hedgeschool_xapi::agent_id(&account_agent(home_page, name, display_name)).unwrap()
        };
        assert_eq!(id("https://a", "ada", "Ada"), id("https://a", "ada", "Ada Lovelace"));
        assert_ne!(id("https://a", "ada", "Ada"), id("https://b", "ada", "Ada"));
    }

    #[test]
    fn nobody_can_be_named_like_a_client() {
        assert!(!hedgeschool_credentials::is_name(&client_account("ada")));
        assert!(account_agent("https://a", &client_account("k"), "K").contains(r#""client:k""#));
    }
}
