//! The credentials that the operator gives the node through its variables.

use hedgeschool_credentials::{Pair, are_equal, parse_pair, parse_pairs};
use hedgeschool_web::{Problem, settings};

/// The first administrator: name and password.
pub async fn administrator() -> Result<Option<Pair>, Problem> {
    Ok(parse_pair(&settings::text("bootstrap_admin").await?))
}

/// The operator's own client: key and secret.
pub async fn client() -> Result<Option<Pair>, Problem> {
    Ok(parse_pair(&settings::text("bootstrap_client").await?))
}

/// The name of the node below that has this token.
pub async fn node_of_token(token: &str) -> Result<Option<String>, Problem> {
    let nodes = settings::text("bootstrap_nodes").await?;
    let node = parse_pairs(&nodes).find(|node| are_equal(&node.secret, token));
    Ok(node.map(|node| node.name))
}
