//! Who may change which courses there are.

use hedgeschool_credentials::Scope;
use hedgeschool_web::{Problem, Request, identity, origin};

/// Lets through who may import courses and take them back.
pub async fn authorise_import(request: &Request) -> Result<(), Problem> {
    origin::check_same_origin(request)?;
    let verdict = identity::verify(request.headers()).await?;
    if verdict.is_administrator() || verdict.allows(Scope::All) {
        return Ok(());
    }
    Err(Problem::forbidden(
        "only an administrator, or a client with the scope `all`, imports courses",
    ))
}
