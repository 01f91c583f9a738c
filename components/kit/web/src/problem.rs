use std::error::Error;

use serde_json::json;

use crate::StatusCode;

/// A failure as the caller sees it (RFC 9457), with what only the log sees.
///
/// Components turn the error enums of crates and stores into problems here, at the edge, and
/// nowhere else.
#[derive(Debug)]
pub struct Problem {
    /// The response's status.
    pub status: StatusCode,
    /// What was wrong and what to do next, for the caller.
    pub detail: String,
    /// What happened, for the operator. Logged, never sent.
    pub internal: Option<String>,
    /// Extra response headers.
    pub headers: Vec<(&'static str, String)>,
}

impl Problem {
    /// What [`Problem::body`] is.
    pub const MEDIA_TYPE: &str = "application/problem+json";

    /// A failure that the caller can do something about.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), internal: None, headers: Vec::new() }
    }

    /// 400: the request breaks a rule; says which, and where.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401, with a challenge of a scheme that lets a client try again with credentials.
    pub fn unauthorized(scheme: &str, detail: impl Into<String>) -> Self {
        // What a name is in, is for `Basic` to say (RFC 7617, 2.1).
        let charset = if scheme == "Basic" { ", charset=\"UTF-8\"" } else { "" };
        let challenge = format!("{scheme} realm=\"hedgeschool\"{charset}");
        Self::new(StatusCode::UNAUTHORIZED, detail).with_header("www-authenticate", challenge)
    }

    /// 403: known, but without the right.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 405, naming the methods that are allowed.
    pub fn method_not_allowed(allowed: &'static str) -> Self {
        let detail = format!("this address answers {allowed}");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, detail).with_header("allow", allowed)
    }

    /// 413, naming the limit.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// 503: trying again soon helps.
    pub fn busy() -> Self {
        let detail = "the node is busy: try again in a second";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_header("retry-after", "1")
    }

    /// 507: the disk, or what the node may use of it, is full.
    pub fn no_room() -> Self {
        let detail = "the node has no room for more: nothing of this was stored. Send it again \
             later; an administrator makes room on the disk or raises storage_limit";
        Self::new(StatusCode::INSUFFICIENT_STORAGE, detail)
    }

    /// 500: the node's own fault; the reason goes to the log.
    pub fn internal(reason: impl ToString) -> Self {
        let detail = "something failed inside the node; its log says what";
        let problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail);
        Self { internal: Some(reason.to_string()), ..problem }
    }

    /// 500 for an error: the log gets what caused it, too, as far as the causes tell.
    pub fn internal_error(error: &dyn Error) -> Self {
        Self::internal(describe_causes(error))
    }

    /// Writes what only the operator may see to the log. Turning a problem into a reply does it
    /// too.
    pub fn log(&self) {
        if let Some(reason) = &self.internal {
            eprintln!("{}: {reason}", self.status);
        }
    }

    /// The body of the response.
    pub fn body(&self) -> String {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let status = self.status.as_u16();
        json!({ "title": title, "status": status, "detail": self.detail }).to_string()
    }

    /// Adds a response header.
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// An error and its causes, each once: some errors repeat theirs in their own text.
fn describe_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    /// An error with causes, outermost first.
    #[derive(Debug)]
    struct Chain(&'static str, Option<Box<Chain>>);

    impl fmt::Display for Chain {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str(self.0)
        }
    }

    impl Error for Chain {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    #[test]
    fn the_log_gets_each_cause_once_and_the_caller_none() {
        let disk = Chain("disk", None);
        let sql = Chain("sql: disk", Some(Box::new(disk)));
        let problem = Problem::internal_error(&Chain("store", Some(Box::new(sql))));
        assert_eq!(problem.internal.as_deref(), Some("store: sql: disk"));
        assert!(!problem.body().contains("disk"));
    }
}
