//! Who may read a package's files, and where they are answered (ADR 20).

mod policy;

use std::time::Duration;

use hedgeschool_web::cache::Cache;
use hedgeschool_web::content_origin::ContentOrigin;
use hedgeschool_web::{Problem, Request, StatusCode, identity, origin};
use serde_json::json;

use crate::store::{self, Edition};
use policy::access_by;

pub use policy::Access;

/// How long an instance remembers who has a grant, and how many it remembers. Who was removed
/// reads on for so long, and as long as the host answers by itself.
const GRANT_AGE: Duration = Duration::from_secs(30);
const GRANTS_MAX: usize = 4_096;
/// How long it remembers what a package is a version of. A course that is public no more is read on
/// for so long, likewise.
const EDITION_AGE: Duration = Duration::from_secs(30);
const EDITIONS_MAX: usize = 512;

thread_local! {
    static GRANTS: Cache<String> = Cache::new(GRANTS_MAX, GRANT_AGE);
    static EDITIONS: Cache<Edition> = Cache::new(EDITIONS_MAX, EDITION_AGE);
}

/// Whether a request was made to an origin that is content's alone. 404 if there is one, and this
/// was made elsewhere.
pub async fn check_origin(request: &Request, package: &str) -> Result<bool, Problem> {
    let origin = ContentOrigin::configured().await?;
    if origin == ContentOrigin::Shared {
        return Ok(false);
    }
    let key = find_edition(package).await?.key;
    if origin.is_of_course(request, &key).await? {
        return Ok(true);
    }
    let there = origin.of_course(&origin::base_url(request).await?, &key).unwrap_or_default();
    Err(Problem::not_found(format!("course files are at {there}")))
}

/// Who may read files of a package with this request: 403 for whoever may not.
pub async fn find_access(
    request: &Request,
    grant: Option<&str>,
    package: &str,
) -> Result<Access, Problem> {
    if let Some(grant) = grant {
        return find_learner(grant, package).await.map(|_| Access::Granted);
    }
    if find_edition(package).await?.is_public {
        return Ok(Access::Anybody);
    }
    // Not by the cookie: pages of any course have it sent along, to another port of the portal's
    // host.
    let verdict = identity::verify_authorization(request.headers()).await;
    // A challenge would have browsers ask the reader for a password, in a course's name.
    let verdict = verdict.map_err(|problem| match problem.status {
        StatusCode::UNAUTHORIZED => Problem::forbidden("open the course from its page"),
        _ => problem,
    })?;
    let refusal = || Problem::forbidden("these credentials are not for reading course files");
    access_by(&verdict).ok_or_else(refusal)
}

/// The xAPI agent of the learner for whom an address was made, as JSON.
pub async fn find_learner(grant: &str, package: &str) -> Result<String, Problem> {
    let key = format!("{package}/{grant}");
    if let Some(agent) = GRANTS.with(|grants| grants.get(&key)) {
        return Ok(agent);
    }
    let question = json!({ "grant": grant, "package": package });
    let agent: Option<String> = identity::ask("/files", &question).await?;
    let refusal = || Problem::forbidden("this address has expired: open the course from its page");
    let agent = agent.ok_or_else(refusal)?;
    GRANTS.with(|grants| grants.insert(key, agent.clone()));
    Ok(agent)
}

/// What a package is a version of.
pub async fn find_edition(package: &str) -> Result<Edition, Problem> {
    if let Some(edition) = EDITIONS.with(|editions| editions.get(package)) {
        return Ok(edition);
    }
    let edition = store::find_edition(package.to_owned()).await?;
    let edition = edition.ok_or_else(|| Problem::not_found("there is no such package here"))?;
    EDITIONS.with(|editions| editions.insert(package.to_owned(), edition.clone()));
    Ok(edition)
}
