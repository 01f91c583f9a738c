//! Taking courses back.

use hedgeschool_redis::changed;
use hedgeschool_web::{Problem, Reply, Request, StatusCode, body};
use serde::Deserialize;

use crate::authorisation::authorise_import;
use crate::store::{self, Course, Withdrawal};

/// Largest body of a request here, in bytes.
const BODY_BYTES_MAX: usize = 16_384;

/// What is to change of a course.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    retired: bool,
}

/// What the portal asks for somebody who may.
#[derive(Deserialize)]
struct Asked {
    id: String,
    /// `retired`, `removed`, or null: it is offered again.
    how: Option<How>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum How {
    Retired,
    Removed,
}

/// Answers `PATCH /content/v1/courses/{id}` with the course.
pub async fn change_course(request: Request, id: String) -> Result<Reply, Problem> {
    authorise_import(&request).await?;
    let Change { retired } = body::json(request, BODY_BYTES_MAX).await?;
    Reply::json(&withdraw_course(id, retired.then_some(Withdrawal::Retired)).await?)
}

/// Answers `DELETE /content/v1/courses/{id}` with 204.
pub async fn remove_course(request: Request, id: String) -> Result<Reply, Problem> {
    authorise_import(&request).await?;
    withdraw_course(id, Some(Withdrawal::Removed)).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Private: the portal has looked who asks.
pub async fn by_portal(request: Request) -> Result<Reply, Problem> {
    let Asked { id, how } = body::json(request, BODY_BYTES_MAX).await?;
    let how = how.map(|how| match how {
        How::Retired => Withdrawal::Retired,
        How::Removed => Withdrawal::Removed,
    });
    withdraw_course(id, how).await?;
    changed("content");
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

async fn withdraw_course(id: String, how: Option<Withdrawal>) -> Result<Course, Problem> {
    let missing = || Problem::not_found(format!("there is no course {id:?}"));
    store::withdraw(id.clone(), how).await?.ok_or_else(missing)
}
