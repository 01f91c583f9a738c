//! A collector of traces: takes them by OTLP over HTTP, and reads them by OpenTelemetry's own
//! messages.

mod picture;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use prost::Message;
use tokio::net::TcpListener;
use tokio::runtime::{self, Runtime};

pub use picture::draw;

/// Where traces are sent to (OTLP 1.x, "OTLP/HTTP Request").
const PATH: &str = "/v1/traces";
const MEDIA_TYPE: &str = "application/x-protobuf";

/// A span as it came.
#[derive(Clone, Debug)]
pub struct Span {
    /// Its trace, in hexadecimal.
    pub trace: String,
    /// Its id.
    pub id: String,
    /// The span that it is part of; empty: of none.
    pub parent: String,
    /// What it is called.
    pub name: String,
    /// Which node had it: its resource's `service.instance.id`.
    pub node: String,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
    /// When it began and ended, in nanoseconds since 1970.
    pub time: (u64, u64),
}

type Spans = Arc<Mutex<Vec<Span>>>;

/// A collector, until it is dropped.
pub struct Collector {
    address: SocketAddr,
    spans: Spans,
    _runtime: Runtime,
}

impl Collector {
    /// Listens on a free port.
    pub fn start() -> Result<Self> {
        let runtime =
            runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let (address, spans) = (listener.local_addr()?, Spans::default());
        runtime.spawn(accept(listener, spans.clone()));
        Ok(Self { address, spans, _runtime: runtime })
    }

    /// The environment of a node whose traces come here.
    pub fn environment(&self, node: &str) -> Vec<(String, String)> {
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", self.address)),
            ("OTEL_RESOURCE_ATTRIBUTES", format!("service.instance.id={node}")),
            ("OTEL_BSP_SCHEDULE_DELAY", "100".to_owned()),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// The traces that came so far, by their ids.
    pub fn traces(&self) -> BTreeMap<String, Vec<Span>> {
        let mut traces: BTreeMap<String, Vec<Span>> = BTreeMap::new();
        for span in self.spans.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            traces.entry(span.trace.clone()).or_default().push(span.clone());
        }
        traces
    }
}

async fn accept(listener: TcpListener, spans: Spans) {
    while let Ok((stream, _)) = listener.accept().await {
        let spans = spans.clone();
        let service = service_fn(move |request| take(request, spans.clone()));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // A node that leaves is no matter.
            let _ = connection.await;
        });
    }
}

async fn take(request: Request<Incoming>, spans: Spans) -> Result<Response<Full<Bytes>>> {
    // Log lines come too, and are none of a trace's business.
    let is_traces = request.uri().path() == PATH;
    let media_type = request.headers().get("content-type").context("no media type")?.clone();
    let body = request.into_body().collect().await?.to_bytes();
    if is_traces {
        ensure!(media_type == MEDIA_TYPE, "{media_type:?}");
        spans.lock().unwrap_or_else(PoisonError::into_inner).extend(read(&body)?);
    }
    Ok(Response::builder().header("content-type", MEDIA_TYPE).body(Full::default())?)
}

fn read(body: &[u8]) -> Result<Vec<Span>> {
    let message = ExportTraceServiceRequest::decode(body)?;
    let mut spans = Vec::new();
    for group in message.resource_spans {
        let resource = group.resource.map(|resource| texts(&resource.attributes));
        let node = resource.and_then(|mut all| all.remove("service.instance.id"));
        let node = node.context("a node that does not say which")?;
        let all = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.extend(all.map(|span| Span {
            trace: hexadecimal(&span.trace_id),
            id: hexadecimal(&span.span_id),
            parent: hexadecimal(&span.parent_span_id),
            name: span.name,
            node: node.clone(),
            attributes: texts(&span.attributes),
            time: (span.start_time_unix_nano, span.end_time_unix_nano),
        }));
    }
    Ok(spans)
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |attribute: &KeyValue| match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        _ => None,
    };
    attributes.iter().filter_map(|it| Some((it.key.clone(), text(it)?))).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
