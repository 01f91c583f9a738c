//! What administrators alone may do.

use hedgeschool_web::identity::Presented;
use hedgeschool_web::{HeaderMap, Problem};

use crate::verify;

/// Lets administrators pass: 401 for whoever is not known, 403 for others.
pub async fn require_administrator(headers: &HeaderMap) -> Result<(), Problem> {
    let known = verify::recognise(&Presented::from_headers(headers)).await?;
    match known {
        Some(known) if known.is_administrator() => Ok(()),
        Some(_) => Err(Problem::forbidden("only administrators may do this")),
        None => Err(Problem::unauthorized("Basic", "sign in as an administrator")),
    }
}
