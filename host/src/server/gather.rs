//! Small request bodies, read before a component is asked.
//!
//! A client that is slow to send one then takes none of the component's places, and the component
//! finds it whole: waiting for it would take the instance another turn.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, WasiBody};

use super::{leftover, reply};

/// Bodies up to so many bytes are read first. Each connection of HTTP/1 may hold one; those of
/// HTTP/2, which may have many at a time, are left to the component.
const BYTES_MAX: usize = 16 << 10;

/// The request as a component gets it, its body read if it is small; or the reply to a client that
/// did not send what it announced within `patience`.
pub async fn gather_body(
    request: Request<Incoming>,
    patience: Duration,
) -> Result<Request<WasiBody>, Response<WasiBody>> {
    let announced = request.body().size_hint().exact().and_then(|bytes| bytes.try_into().ok());
    let announced = announced.filter(|bytes| (1..=BYTES_MAX).contains(bytes));
    let Some(announced) = announced.filter(|_| request.version() <= Version::HTTP_11) else {
        let request = leftover::read_to_end(request);
        return Ok(request.map(|body| body.map_err(Error::from).boxed_unsync()));
    };
    let (head, body) = request.into_parts();
    let body = match timeout(patience, read_whole(body, announced)).await {
        Ok(Some(body)) => body,
        Ok(None) => return Err(closing_refusal(StatusCode::BAD_REQUEST, "The body broke off.")),
        Err(_) => {
            let text = format!("The body did not come within {patience:?}: send it again.");
            return Err(closing_refusal(StatusCode::REQUEST_TIMEOUT, &text));
        }
    };
    let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
    Ok(Request::from_parts(head, body))
}

/// The body, copied: what hyper hands out holds on to buffers much larger than what is in them.
/// None: it ended early.
async fn read_whole(mut body: Incoming, bytes: usize) -> Option<Bytes> {
    let mut read = BytesMut::with_capacity(bytes);
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.ok()?.into_data() {
            read.extend_from_slice(&data);
        }
    }
    (read.len() == bytes).then(|| read.freeze())
}

/// A reply after which the connection is of no use: nobody knows where its next request begins.
fn closing_refusal(status: StatusCode, text: &str) -> Response<WasiBody> {
    let mut refusal = reply::text_reply(status, text);
    refusal.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    refusal
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// What a client hears that sends a head and this much of the body that it announces: the
    /// status, and whether the body was whole when a component would have been asked.
    async fn heard(announced: usize, sent: &[u8]) -> String {
        let (mut client, server) = duplex(1 << 20);
        let service = service_fn(async |request| {
            let reply = match gather_body(request, Duration::ZERO).await {
                Ok(mut request) => {
                    let frame = futures::poll!(std::pin::pin!(request.body_mut().frame()));
                    reply::text_reply(StatusCode::OK, &format!("whole: {}", frame.is_ready()))
                }
                Err(refusal) => refusal,
            };
            Ok::<_, Infallible>(reply)
        });
        let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {announced}\r\n\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        client.write_all(sent).await.unwrap();
        let serving = http1::Builder::new().serve_connection(TokioIo::new(server), service);
        let mut answer = vec![0; 4096];
        // A connection whose body is not read to its end may end with the reply, which is there to
        // be read all the same.
        let read = tokio::select! {
            read = client.read(&mut answer) => read.unwrap(),
            _ = serving => client.read(&mut answer).await.unwrap(),
        };
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }

    #[tokio::test]
    async fn a_small_body_is_whole_before_a_component_is_asked() {
        assert!(heard(5, b"hello").await.contains("whole: true"));
    }

    #[tokio::test]
    async fn a_small_body_that_does_not_come_is_not_waited_for() {
        let answer = heard(5, b"hel").await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }

    #[tokio::test]
    async fn a_large_body_is_left_to_the_component() {
        assert!(heard(BYTES_MAX + 1, b"").await.contains("whole: false"));
    }
}
