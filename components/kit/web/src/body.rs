//! Request bodies, read under a limit.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;

use crate::{Problem, Request, header};

/// Reads a whole body of at most `limit` bytes.
pub async fn read(request: Request, limit: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::too_large(format!("the body may have at most {limit} bytes"));
    let announced = header(request.headers(), "content-length").and_then(|text| text.parse().ok());
    if announced.is_some_and(|length: u64| length > limit as u64) {
        return Err(too_large());
    }
    let mut body = request.into_body();
    // Growing by doubling would need three times the memory of a large body, and an instance never
    // gives memory back.
    let capacity = announced.and_then(|length| length.try_into().ok()).unwrap_or_default();
    let mut read = BytesMut::with_capacity(capacity);
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| Problem::bad_request(format!("reading the body: {error}")))?;
        if let Ok(data) = frame.into_data() {
            if read.len() + data.len() > limit {
                return Err(too_large());
            }
            read.extend_from_slice(&data);
        }
    }
    Ok(read.freeze())
}

/// Reads a body of JSON; a mismatch is named with its line and column.
pub async fn json<T: DeserializeOwned>(request: Request, limit: usize) -> Result<T, Problem> {
    let bytes = read(request, limit).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Problem::bad_request(format!("the body is not the JSON expected: {error}"))
    })
}

/// Reads a submitted form (`application/x-www-form-urlencoded`).
pub async fn form(request: Request, limit: usize) -> Result<crate::Query, Problem> {
    let bytes = read(request, limit).await?;
    Ok(crate::Query::parse(&String::from_utf8_lossy(&bytes)))
}
