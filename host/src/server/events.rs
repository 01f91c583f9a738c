//! Server-sent events: streams that would go on for as long as somebody listens.
//!
//! There is room for so many of them, and they end when the host is told to stop; everything else
//! gets its time to end by itself. Components need to know of neither.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use wasmtime_wasi_http::{Error, WasiBody};

use super::reply;
use crate::runtime::failure::ServiceFailure;

const MEDIA_TYPE: &str = "text/event-stream";

/// All streams of events.
pub struct EventStreams {
    room: Arc<Semaphore>,
    stop: watch::Sender<bool>,
}

impl EventStreams {
    /// Room for so many.
    pub fn new(streams_max: usize) -> Self {
        Self { room: Arc::new(Semaphore::new(streams_max)), stop: watch::Sender::new(false) }
    }

    /// The response as a client gets it: a stream of events is watched over, or refused if there
    /// are too many.
    pub fn admit_response(&self, response: Response<WasiBody>) -> Response<WasiBody> {
        let media_type = response.headers().get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
        if !media_type.is_some_and(|media_type| media_type.starts_with(MEDIA_TYPE.as_bytes())) {
            return response;
        }
        let Ok(place) = self.room.clone().try_acquire_owned() else {
            return reply::failure_reply(ServiceFailure::Busy);
        };
        let mut stop = self.stop.subscribe();
        let stop = Box::pin(async move {
            let _ = stop.wait_for(|stop| *stop).await;
        });
        response
            .map(|body| EventStream { body, stop, is_over: false, _place: place }.boxed_unsync())
    }

    /// Ends them all.
    pub fn end_all(&self) {
        self.stop.send_replace(true);
    }
}

/// A body that ends, properly, when the host stops. What was cut of an event its reader leaves
/// out.
struct EventStream {
    body: WasiBody,
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.is_over = self.is_over || self.stop.as_mut().poll(cx).is_ready();
        if self.is_over {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, StreamExt, stream};
    use http_body_util::{Full, StreamBody};

    use super::*;

    fn response(media_type: &str, body: WasiBody) -> Response<WasiBody> {
        Response::builder().header(CONTENT_TYPE, media_type).body(body).unwrap()
    }

    /// One event, and then silence.
    fn events() -> Response<WasiBody> {
        let event = Ok(Frame::data(Bytes::from("data: 1\n\n")));
        let frames = stream::once(async { event }).chain(stream::pending());
        response("text/event-stream; charset=utf-8", StreamBody::new(frames).boxed_unsync())
    }

    #[tokio::test]
    async fn streams_of_events_end_when_the_host_stops() {
        let streams = EventStreams::new(1);
        let mut body = streams.admit_response(events()).into_body();
        assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
        assert!(body.frame().now_or_never().is_none(), "it goes on");
        streams.end_all();
        assert!(body.frame().await.is_none());
        assert!(body.frame().await.is_none());
    }

    #[tokio::test]
    async fn there_is_room_for_so_many() {
        let streams = EventStreams::new(1);
        let first = streams.admit_response(events());
        let refused = streams.admit_response(events());
        assert_eq!(refused.status(), 503);
        assert!(refused.headers().contains_key(http::header::RETRY_AFTER));
        let full = Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync();
        assert_eq!(streams.admit_response(response("text/html", full)).status(), 200);
        drop(first);
        assert_eq!(streams.admit_response(events()).status(), 200);
    }
}
