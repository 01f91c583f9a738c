//! Request bodies, read under a limit.

use std::fmt::Display;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;

use crate::{Problem, Request, header};

/// How much of a body that is too large is read all the same, and dropped: a client that is still
/// sending hears the answer only when it has finished.
const DROPPED_BYTES_MAX: usize = 64 << 20;

/// A body that is read as it comes, however large.
pub struct Pieces<B>(B);

/// Begins to read a body as it comes.
pub fn pieces(request: Request) -> Pieces<impl Body<Data = Bytes, Error: Display> + Unpin> {
    Pieces(request.into_body())
}

impl<B: Body<Data = Bytes, Error: Display> + Unpin> Pieces<B> {
    /// What comes next. None: that was all. Of a body that breaks off, what came before is what
    /// has come.
    ///
    /// # Errors
    /// 400 if the body breaks off.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        while let Some(frame) = self.0.frame().await {
            let frame = frame
                .map_err(|error| Problem::bad_request(format!("reading the body: {error}")))?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

/// Reads a whole body of at most `limit` bytes.
///
/// # Errors
/// 413 past the limit; 400 if the body breaks off or is not as long as it says.
pub async fn read(request: Request, limit: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::too_large(format!("the body may have at most {limit} bytes"));
    let announced = header(request.headers(), "content-length").and_then(|text| text.parse().ok());
    let fits = announced.is_none_or(|length: u64| length <= limit as u64);
    // Growing by doubling would need three times the memory of a large body, and an instance never
    // gives memory back.
    let whole = announced.filter(|length| fits && *length > 0);
    let whole: Option<usize> = whole.and_then(|length| length.try_into().ok());
    let mut read = BytesMut::with_capacity(whole.unwrap_or_default());
    let mut dropped = 0;
    let mut body = request.into_body();
    // Waiting for the end of what is whole would cost two more turns of the instance.
    while Some(read.len()) != whole
        && let Some(frame) = body.frame().await
    {
        let frame =
            frame.map_err(|error| Problem::bad_request(format!("reading the body: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        if fits && dropped == 0 && read.len() + data.len() <= limit {
            read.extend_from_slice(&data);
            continue;
        }
        dropped += data.len();
        if dropped > DROPPED_BYTES_MAX {
            return Err(too_large());
        }
    }
    if !fits || dropped > 0 {
        return Err(too_large());
    }
    match whole.filter(|whole| *whole != read.len()) {
        Some(whole) => Err(Problem::bad_request(format!(
            "the body has {} bytes, not the {whole} that its content-length says",
            read.len()
        ))),
        None => Ok(read.freeze()),
    }
}

/// Reads a body of JSON; a mismatch is named with its line and column.
///
/// # Errors
/// Those of [`read`]; 400 if it is not the JSON expected.
pub async fn json<T: DeserializeOwned>(request: Request, limit: usize) -> Result<T, Problem> {
    let bytes = read(request, limit).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Problem::bad_request(format!("the body is not the JSON expected: {error}"))
    })
}

/// Reads a submitted form (`application/x-www-form-urlencoded`).
///
/// # Errors
/// Those of [`read`].
pub async fn form(request: Request, limit: usize) -> Result<crate::Query, Problem> {
    let bytes = read(request, limit).await?;
    Ok(crate::Query::parse(&String::from_utf8_lossy(&bytes)))
}
