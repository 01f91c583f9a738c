//! What is left of a request's body when its response is there.
//!
//! A response may come early: who asks may not, or the disk is full. A client that sends all of
//! its request before it reads would find the connection closed under it, and never hear why. So
//! what nobody wants is read all the same, and dropped (RFC 9112, 9.6).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::header::EXPECT;
use http::{Request, Version};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How much is read and dropped. Whoever sends more hears nothing.
const BYTES_MAX: usize = 64 << 20;
/// For how long: what goes over a slow link to be dropped is paid for.
const TIME_MAX: Duration = Duration::from_secs(10);

/// A request's body, of which the rest is read when it is dropped.
pub struct DrainedBody<B: Rest> {
    body: Option<B>,
    /// Whether its client sends it, whoever reads it. One that expects to be told to go on
    /// (RFC 9110, 10.1.1) waits until somebody does.
    is_on_its_way: bool,
    /// In HTTP/2 each body has a stream of its own, which just ends.
    is_in_the_way: bool,
    runtime: Handle,
}

/// A body that can outlive its request.
pub trait Rest: Body<Data = Bytes> + Send + Unpin + 'static {}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Rest for B {}

/// The request with a body that is read to its end, whoever wants it. Within Tokio only.
pub fn read_to_end<B: Rest>(request: Request<B>) -> Request<DrainedBody<B>> {
    let is_on_its_way = !request.headers().contains_key(EXPECT);
    let is_in_the_way = request.version() <= Version::HTTP_11;
    let runtime = Handle::current();
    request.map(|body| DrainedBody { body: Some(body), is_on_its_way, is_in_the_way, runtime })
}

impl<B: Rest> Body for DrainedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.is_on_its_way = true;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        Pin::new(body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl<B: Rest> Drop for DrainedBody<B> {
    fn drop(&mut self) {
        let is_left = self.is_in_the_way && self.is_on_its_way && !self.is_end_stream();
        if let Some(body) = self.body.take().filter(|_| is_left) {
            self.runtime.spawn(timeout(TIME_MAX, drop_rest(body)));
        }
    }
}

async fn drop_rest(mut body: impl Rest) {
    let mut dropped = 0;
    while let Some(Ok(frame)) = body.frame().await
        && dropped <= BYTES_MAX
    {
        dropped += frame.data_ref().map_or(0, Buf::remaining);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;
    use crate::server::reply;

    /// What a client hears that sends its whole request before it reads, of a service that does
    /// not want the body.
    async fn heard(bytes: usize) -> std::io::Result<String> {
        let (mut client, server) = duplex(1 << 10);
        let service = service_fn(async |request| {
            drop(read_to_end(request));
            Ok::<_, Infallible>(reply::text_reply(http::StatusCode::FORBIDDEN, "no"))
        });
        let served = http1::Builder::new().serve_connection(TokioIo::new(server), service);
        tokio::spawn(served);
        let head = format!(
            "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {bytes}\r\n\r\n"
        );
        client.write_all(head.as_bytes()).await?;
        client.write_all(&vec![0; bytes]).await?;
        let mut answer = String::new();
        client.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn who_sends_first_and_reads_then_hears_of_a_refusal() {
        let answer = heard(3 << 20).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    }

    #[tokio::test]
    async fn who_sends_without_end_is_cut_off() {
        assert!(heard(BYTES_MAX + (1 << 20)).await.is_err());
    }
}
