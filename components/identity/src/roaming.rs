//! Learners who sign in at a node that is not theirs.

use bytes::Bytes;
use hedgeschool_web::{Problem, StatusCode, settings};
use serde_json::json;
use spin_sdk::http::FullBody;

/// Where replication takes private requests.
const ADDRESS: &str = "http://sync.spin.internal/follow";

/// Asks the nodes above for a person of this name, for a few seconds at most. The store knows the
/// person afterwards, if they do.
pub async fn fetch_person(name: &str) -> Result<(), Problem> {
    follow_subject("identity", name, true).await
}

/// Gets the record of a learner who has signed in here, now and from now on; does not wait for it.
pub async fn fetch_record(agent: &str) -> Result<(), Problem> {
    let subject = hedgeschool_xapi::agent_id(agent).map_err(Problem::internal)?;
    follow_subject("progress", &subject, false).await
}

async fn follow_subject(journal: &str, subject: &str, now: bool) -> Result<(), Problem> {
    if settings::text("upstream_url").await?.is_empty() {
        return Ok(());
    }
    let body = json!({ "journal": journal, "subject": subject, "now": now }).to_string();
    let request = http::Request::post(ADDRESS)
        .header("content-length", body.len())
        .body(FullBody::new(Bytes::from(body)))
        .map_err(Problem::internal)?;
    let response = spin_sdk::http::send(request).await;
    // Nobody is kept out because replication fails.
    match response.map(|response| response.status()) {
        Ok(StatusCode::NO_CONTENT) => {}
        Ok(status) => eprintln!("replication did not follow {subject}: {status}"),
        Err(error) => eprintln!("replication did not follow {subject}: {error}"),
    }
    Ok(())
}
