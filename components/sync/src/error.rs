//! Why something failed here: one enum for the whole component. It knows no HTTP but for what kits
//! answer; [`Problem`] is made of it at the component's edge, and nowhere else.

use std::error::Error as _;

use hedgeschool_journal_types::types as stored;
use hedgeschool_replication::Gap;
use hedgeschool_replication::wire::WireError;
use hedgeschool_web::{Problem, StatusCode};

use crate::client::failure::UpstreamFailure;
use crate::store::bindings::{ContentError, ProgressError};

/// What nearly everything here answers.
pub type Result<T, E = SyncError> = std::result::Result<T, E>;

/// Why something failed.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// A store's rule was broken; says which.
    #[error("{0}")]
    Invalid(String),
    /// An entry is none of the sender's business; says which.
    #[error("{0}")]
    Forbidden(String),
    /// What a batch advances is not where the batch says (compare-and-set).
    #[error("other entries came between")]
    Moved,
    /// The disk is as full as it may get.
    #[error("the disk is full")]
    Full,
    /// A store is busy: try again.
    #[error("the store is busy")]
    Busy,
    /// A store failed; for the log.
    #[error("{0}")]
    Store(String),
    /// What is stored cannot be read: somebody has to know.
    #[error("what is stored cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// Something cannot be written as JSON.
    #[error("it cannot be written as JSON")]
    Unwritable(#[source] serde_json::Error),
    /// A message breaks a rule or a limit.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// What is to be sent does not follow what was sent.
    #[error("the next batch does not follow the last one")]
    Sequence(#[from] Gap),
    /// The node above, or the way to it: a round ends, and nothing is wrong here.
    #[error(transparent)]
    Upstream(#[from] UpstreamFailure),
    /// What to answer is known already.
    #[error("{}: {}", .0.status, .0.detail)]
    Answer(Problem),
}

impl From<Problem> for SyncError {
    fn from(problem: Problem) -> Self {
        Self::Answer(problem)
    }
}

impl From<stored::Error> for SyncError {
    fn from(error: stored::Error) -> Self {
        match error {
            stored::Error::Invalid(rule) => Self::Invalid(rule),
            stored::Error::Forbidden(rule) => Self::Forbidden(rule),
            stored::Error::Moved => Self::Moved,
            stored::Error::Full => Self::Full,
            stored::Error::Busy => Self::Busy,
            stored::Error::Other(reason) => Self::Store(reason),
        }
    }
}

impl From<ContentError> for SyncError {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Invalid(rule) => Self::Invalid(rule),
            ContentError::Full => Self::Full,
            ContentError::Busy => Self::Busy,
            other => Self::Store(format!("content store: {other:?}")),
        }
    }
}

impl From<ProgressError> for SyncError {
    fn from(error: ProgressError) -> Self {
        match error {
            ProgressError::Invalid(rule) => Self::Invalid(rule),
            ProgressError::Full => Self::Full,
            ProgressError::Busy => Self::Busy,
            other => Self::Store(format!("progress store: {other:?}")),
        }
    }
}

impl From<SyncError> for Problem {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Answer(problem) => problem,
            SyncError::Invalid(rule) => Self::bad_request(rule),
            SyncError::Forbidden(rule) => {
                Self { internal: Some(rule.clone()), ..Self::forbidden(rule) }
            }
            SyncError::Moved => Self::new(StatusCode::CONFLICT, "other entries came between"),
            SyncError::Full => Self::no_room(),
            SyncError::Busy => Self::busy(),
            SyncError::Wire(error) => refuse_message(&error),
            SyncError::Store(_)
            | SyncError::Unreadable(_)
            | SyncError::Unwritable(_)
            | SyncError::Sequence(_)
            | SyncError::Upstream(_) => Self::internal(describe_chain(&error)),
        }
    }
}

/// What to answer to a message that breaks a rule.
fn refuse_message(error: &WireError) -> Problem {
    let rule = error.to_string();
    let problem = match error {
        WireError::TooMany(_) => Problem::too_large(rule.clone()),
        _ => Problem::bad_request(rule.clone()),
    };
    Problem { internal: Some(rule), ..problem }
}

/// An error and what caused it, in one line.
fn describe_chain(error: &SyncError) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.ends_with(&text) {
            line = format!("{line}: {text}");
        }
        cause = error.source();
    }
    line
}

/// A success even if there was no room: what is not stored is only for people to see, or is asked
/// for again.
pub fn tolerate_full(result: Result<()>) -> Result<()> {
    match result {
        Err(SyncError::Full) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_is_one_answer() {
        let status = |error: SyncError| Problem::from(error).status.as_u16();
        assert_eq!(status(SyncError::Invalid("a rule".to_owned())), 400);
        assert_eq!(status(SyncError::Forbidden("a rule".to_owned())), 403);
        assert_eq!(status(SyncError::Moved), 409);
        assert_eq!(status(WireError::TooMany("500 entries").into()), 413);
        assert_eq!(status(WireError::Order.into()), 400);
        assert_eq!(status(SyncError::Busy), 503);
        assert_eq!(status(SyncError::Full), 507);
        assert_eq!(status(Gap.into()), 500);
        assert_eq!(status(UpstreamFailure::Down("no answer".to_owned()).into()), 500);
        assert_eq!(status(Problem::not_found("it").into()), 404);
    }

    #[test]
    fn the_log_has_the_causes_and_the_caller_has_not() {
        let cause = serde_json::from_str::<u8>("x").unwrap_err();
        let problem = Problem::from(SyncError::Unreadable(cause));
        let internal = problem.internal.unwrap();
        assert!(internal.starts_with("what is stored cannot be read: expected"), "{internal}");
        assert!(!problem.detail.contains("expected"));
        let refusal = Problem::from(SyncError::Forbidden("not yours".to_owned()));
        assert_eq!(refusal.internal.as_deref(), Some("not yours"));
    }

    #[test]
    fn only_a_full_disk_is_tolerated() {
        assert!(tolerate_full(Err(SyncError::Full)).is_ok());
        assert!(tolerate_full(Err(SyncError::Busy)).is_err());
    }
}
