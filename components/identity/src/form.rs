//! What requests bring: forms and small JSON, under one limit.

use hedgeschool_web::{Problem, Query, Request, body};
use serde::de::DeserializeOwned;

/// Largest body of a request here, in bytes.
const BODY_BYTES_MAX: usize = 65_536;

/// Reads a body of JSON.
pub async fn read_json<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    body::json(request, BODY_BYTES_MAX).await
}

/// Reads a submitted form.
pub async fn read_form(request: Request) -> Result<Query, Problem> {
    body::form(request, BODY_BYTES_MAX).await
}
