use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::{self, Runtime};
use tokio::task::{self, JoinHandle};

use crate::Client;

/// What a message that passes a [`Relay`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// A request.
    Asked,
    /// The answer to one.
    Answered,
}

/// A request and its answer, as they passed.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The path of the request.
    pub path: String,
    /// Its body, as it was passed on.
    pub asked: String,
    /// The status of the answer.
    pub status: u16,
    /// Its body.
    pub answered: String,
}

/// Stands between a node and its upstream, reads the messages and may change them: makes either
/// seem to be another one.
pub struct Relay {
    address: SocketAddr,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
    accepting: Option<JoinHandle<()>>,
    runtime: Option<Runtime>,
}

/// What may be done to a message.
type Change = dyn Fn(Message, &mut Value) + Send + Sync;

/// What each request needs.
struct Passing {
    target: String,
    change: Box<Change>,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
}

impl Relay {
    /// Listens at an address (port 0: any) and passes on to the node at `target`.
    pub fn start(
        address: &str,
        target: &str,
        change: impl Fn(Message, &mut Value) + Send + Sync + 'static,
    ) -> Result<Self> {
        let runtime =
            runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind(address));
        let listener = listener.with_context(|| format!("a relay at {address}"))?;
        let address = listener.local_addr()?;
        let exchanges = Arc::<Mutex<Vec<Exchange>>>::default();
        let passing = Passing {
            target: target.to_owned(),
            change: Box::new(change),
            exchanges: exchanges.clone(),
        };
        let accepting = Some(runtime.spawn(accept(listener, Arc::new(passing))));
        Ok(Self { address, exchanges, accepting, runtime: Some(runtime) })
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has passed so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Relay {
    /// Cuts what passes, and leaves the address to the next one.
    fn drop(&mut self) {
        let (Some(accepting), Some(runtime)) = (self.accepting.take(), self.runtime.take()) else {
            return;
        };
        accepting.abort();
        // Its end is what it was told.
        let _ = runtime.block_on(accepting);
        // Answers that nobody gets any more may take their time.
        runtime.shutdown_background();
    }
}

async fn accept(listener: TcpListener, passing: Arc<Passing>) {
    while let Ok((stream, _)) = listener.accept().await {
        let passing = passing.clone();
        let service = service_fn(move |request| passing.clone().pass(request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // A node that leaves is no matter.
            let _ = connection.await;
        });
    }
}

impl Passing {
    async fn pass(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let answer = task::spawn_blocking(move || self.exchange(&head, &body)).await?;
        // As if the node could not be reached.
        let answer = answer.or_else(|error| {
            Response::builder().status(502).body(Full::from(format!("{error:#}")))
        });
        Ok(answer?)
    }

    fn exchange(&self, head: &http::request::Parts, body: &[u8]) -> Result<Response<Full<Bytes>>> {
        let path = head.uri.path().to_owned();
        let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let client = Client::new(&self.target)
            .with_header("authorization", text("authorization").unwrap_or_default());
        let asked = self.changed(Message::Asked, body);
        let body = Some((text("content-type").unwrap_or_default(), asked.as_slice()));
        let response = client.send(head.method.clone(), &path, body)?;
        let media_type = response.header("content-type").to_owned();
        let answered = self.changed(Message::Answered, &response.body);
        let status = response.status.as_u16();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let exchange = Exchange { asked: text(&asked), answered: text(&answered), path, status };
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
        let answer = Response::builder().status(status).header("content-type", media_type);
        Ok(answer.body(Full::from(answered))?)
    }

    /// A body after somebody has changed it; to the byte as it was if nobody did.
    fn changed(&self, message: Message, body: &[u8]) -> Vec<u8> {
        let Ok(before) = serde_json::from_slice::<Value>(body) else { return body.to_vec() };
        let mut after = before.clone();
        (self.change)(message, &mut after);
        if after == before { body.to_vec() } else { after.to_string().into_bytes() }
    }
}
