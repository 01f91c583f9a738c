use futures::future::try_join_all;
use hedgeschool_web::Reply;
use serde::Serialize;

use crate::error::Result;
use crate::store::Journal;

/// Whether this build can work with what earlier ones have left.
#[derive(Serialize)]
struct Readiness {
    /// Why it never can; nothing if it can.
    refused: Vec<String>,
}

/// `POST /ready`, private: for a host that would rather not start than fail at each request.
pub async fn show_readiness() -> Result<Reply> {
    let checks = try_join_all(Journal::ALL.map(Journal::check_schema));
    let refused = checks.await?.into_iter().flatten().collect();
    Ok(Reply::json(&Readiness { refused })?)
}
