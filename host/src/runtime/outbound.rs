//! Outgoing HTTP: `wasi:http/client` and `outgoing-handler`.
//!
//! Three destinations: another component of the application (`http://ID.spin.internal/…`), the
//! application's own routes (a request without an authority, or to `self.alt`), and the network.
//! The first two are dispatched in memory. All are checked against the component's
//! `allowed_outbound_hosts`; a refusal is `HTTP-request-denied`, as under Spin.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::dispatch::Dispatch;
use super::grants::Grants;
use crate::allowed_hosts::SERVICE_DOMAIN;
use crate::client::{HttpClient, http_client};
use crate::metrics::Events;
use crate::runtime_config;
use crate::telemetry::{Callers, Traces};

/// How long a first byte, and each next one, may take unless the guest says otherwise.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// The way out, shared by all instances of the application.
pub struct Network {
    config: runtime_config::OutboundHttp,
    /// Built when first needed: parsing the root certificates costs a millisecond.
    client: OnceLock<Option<HttpClient<WasiBody>>>,
    permits: Arc<Semaphore>,
    application: Arc<dyn Dispatch>,
    /// What takes traces, if anything does.
    pub traces: Option<Arc<Traces>>,
    /// What components count.
    pub events: Events,
}

impl Network {
    /// A network with nobody on it yet; `application` learns the components later.
    pub fn new(
        config: runtime_config::OutboundHttp,
        application: Arc<dyn Dispatch>,
        traces: Option<Arc<Traces>>,
        events: Events,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(config.requests_max));
        Self { config, client: OnceLock::new(), permits, application, traces, events }
    }

    /// Whether the application is closing down.
    pub fn is_closed(&self) -> bool {
        self.application.is_closed()
    }

    fn shared_client(&self) -> Result<&HttpClient<WasiBody>, Error> {
        let build = || {
            let client = http_client(self.config.connect_max, self.config.pooling);
            client.inspect_err(|error| tracing::error!("no HTTP client: {error:#}")).ok()
        };
        self.client.get_or_init(build).as_ref().ok_or(Error::ConfigurationError)
    }

    async fn send_to_network(
        &self,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Response<WasiBody>, Error> {
        let permit = self.permits.clone().acquire_owned().await;
        let permit = permit.map_err(|_| Error::ConnectionLimitReached)?;
        let first_byte_max = options.first_byte_timeout.unwrap_or(SILENCE_MAX);
        let silence_max = options.between_bytes_timeout.unwrap_or(SILENCE_MAX);
        let sending = self.shared_client()?.request(request);
        let response = match tokio::time::timeout(first_byte_max, sending).await {
            Ok(sent) => sent.map_err(send_error)?,
            Err(_) => return Err(Error::ConnectionReadTimeout),
        };
        let wrap = |body| GuardedBody {
            body,
            silence_max,
            silence: Box::pin(tokio::time::sleep(silence_max)),
            _permit: permit,
        };
        Ok(response.map(|body| wrap(body).boxed_unsync()))
    }
}

/// Tells the guest which part of the way failed.
fn send_error(error: hyper_util::client::legacy::Error) -> Error {
    if !error.is_connect() {
        return Error::HttpProtocolError;
    }
    let mut source: Option<&dyn std::error::Error> = Some(&error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            match io.kind() {
                std::io::ErrorKind::ConnectionRefused => return Error::ConnectionRefused,
                std::io::ErrorKind::TimedOut => return Error::ConnectionTimeout,
                std::io::ErrorKind::InvalidData => return Error::TlsProtocolError,
                _ => {}
            }
        }
        // The resolver's error has no public type.
        if cause.to_string().starts_with("dns error") {
            return Error::DnsError { rcode: None, info_code: None };
        }
        source = cause.source();
    }
    Error::DestinationUnavailable
}

/// One instance's way out.
pub struct Outbound {
    grants: Arc<Grants>,
    network: Arc<Network>,
    callers: Callers,
}

impl Outbound {
    /// The way out of an instance of the component that `grants` describes.
    pub fn new(grants: Arc<Grants>, network: Arc<Network>, callers: Callers) -> Self {
        Self { grants, network, callers }
    }

    fn check_destination(&self, uri: &Uri) -> Result<Destination, Error> {
        let scheme = uri.scheme_str().unwrap_or("http");
        let own = matches!(uri.host(), None | Some("self" | "self.alt"));
        let host = uri.host().unwrap_or("self");
        let hosts = &self.grants.hosts;
        let allowed = if own {
            hosts.allows_own(scheme)
        } else {
            hosts.allows_connection(scheme, host, uri.port_u16())
        };
        if !allowed {
            let id = &self.grants.id;
            let authority = uri.authority().map_or("self", |authority| authority.as_str());
            tracing::warn!(
                "component {id} may not connect to {scheme}://{authority}: add it to \
                 allowed_outbound_hosts in [component.{id}] if it should"
            );
            return Err(Error::HttpRequestDenied);
        }
        Ok(match host.strip_suffix(SERVICE_DOMAIN) {
            _ if own => Destination::Own,
            Some(component) => Destination::Component(component.to_owned()),
            None => Destination::Network,
        })
    }
}

enum Destination {
    Own,
    Component(String),
    Network,
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type SendOutcome = Result<(Response<WasiBody>, Io), Error>;

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
        // Resolves when the guest is done with the response's body; dropping the body says as
        // much.
        _done: Io,
    ) -> Box<dyn Future<Output = SendOutcome> + Send> {
        let destination = self.check_destination(request.uri());
        let network = self.network.clone();
        let on_behalf = || self.callers.take_current();
        let traces = network.traces.as_ref();
        let mut span = traces.and_then(|traces| traces.begin_client(&mut request, on_behalf()));
        Box::new(async move {
            let sent = match destination? {
                Destination::Network => {
                    network.send_to_network(request, options.unwrap_or_default()).await
                }
                Destination::Own => network.application.dispatch_public(request).await,
                Destination::Component(id) => network.application.dispatch_to(&id, request).await,
            };
            if let Some(span) = &mut span {
                match &sent {
                    Ok(response) => span.set_status(response.status()),
                    Err(error) => span.set_failed(error),
                }
            }
            let response = sent?;
            Ok((response, Box::new(std::future::ready(Ok(()))) as Io))
        })
    }
}

/// A response body that fails when its sender falls silent, and holds the request's permit.
struct GuardedBody {
    body: Incoming,
    silence_max: Duration,
    silence: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl Body for GuardedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            let deadline = Instant::now() + self.silence_max;
            self.silence.as_mut().reset(deadline);
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        ready!(self.silence.as_mut().poll(cx));
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
