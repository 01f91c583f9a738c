//! The secret that signs sessions and grants of files.

use hedgeschool_credentials::{SigningKey, Token};
use hedgeschool_web::{Problem, random_bytes, settings};

use crate::store::secrets;

/// The operator's secret, or one the node made for itself and keeps.
pub async fn signing_key() -> Result<SigningKey, Problem> {
    let configured = settings::text("session_secret").await?;
    let secret = if configured.is_empty() {
        let candidate = Token::new(&random_bytes()).text().to_owned();
        secrets::get_or_insert("session".to_owned(), candidate).await?
    } else {
        configured
    };
    SigningKey::new(&secret).ok_or_else(|| Problem::internal("the session secret is no key"))
}
