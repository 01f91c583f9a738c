//! xAPI agents of people, clients and nodes.

use hedgeschool_web::{Problem, settings};
use serde_json::json;

/// The agent of an account of this provider, as JSON. The home page is the provider's, the same at
/// all its nodes, so that a learner is one agent wherever the record is made.
pub async fn of_account(name: &str, display_name: &str) -> Result<String, Problem> {
    let home_page = settings::text("account_home_page").await?;
    let account = json!({ "homePage": home_page, "name": name });
    let agent = json!({ "objectType": "Agent", "name": display_name, "account": account });
    Ok(agent.to_string())
}

/// The agent of an xAPI client: the authority of what it records. No person's name has a colon, so
/// no person can be taken for a client.
pub async fn of_client(key: &str, name: &str) -> Result<String, Problem> {
    of_account(&format!("client:{key}"), name).await
}
