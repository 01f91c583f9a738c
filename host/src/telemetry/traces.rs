//! Spans: a request that a component answers, one that it sends, a statement that it runs.
//!
//! Contexts travel between programs as W3C Trace Context. Names and attributes are those of
//! OpenTelemetry's semantic conventions, as far as they tell nothing of a learner or a course:
//! routes, no paths; the kind of a statement, not its text.

use std::borrow::Cow;

use http::{HeaderMap, Request, StatusCode, header::HOST};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

/// The span that another one is part of.
pub type Parent = SpanContext;

/// Something that takes time. It ends when it is dropped.
pub struct Span(opentelemetry_sdk::trace::Span);

impl Span {
    /// For spans that are part of it.
    pub fn as_parent(&self) -> Parent {
        self.0.span_context().clone()
    }

    /// The trace's id, if the trace is kept.
    pub fn trace_id(&self) -> Option<String> {
        let context = self.0.span_context();
        context.is_sampled().then(|| context.trace_id().to_string())
    }

    /// A response has begun.
    pub fn set_status(&mut self, status: StatusCode) {
        let code = KeyValue::new("http.response.status_code", i64::from(status.as_u16()));
        self.0.set_attribute(code);
        if status.is_server_error() {
            self.0.set_status(Status::error(""));
        }
    }

    /// It came to nothing.
    pub fn set_failed(&mut self, reason: impl std::fmt::Display) {
        self.0.set_status(Status::error(reason.to_string()));
    }
}

/// What takes spans.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    propagator: TraceContextPropagator,
}

impl Traces {
    /// Has a provider take them.
    pub fn new(provider: SdkTracerProvider) -> Self {
        let tracer = provider.tracer("hedge");
        Self { provider, tracer, propagator: TraceContextPropagator::new() }
    }

    /// A component begins to answer a request, which from here on is part of the new span.
    pub fn begin_server<B>(&self, component: &str, request: &mut Request<B>) -> Span {
        let route = request.headers().get("spin-matched-route");
        let route = route.and_then(|route| route.to_str().ok()).unwrap_or("/...").to_owned();
        let method = request.method().to_string();
        let attributes = vec![
            KeyValue::new("http.request.method", method.clone()),
            KeyValue::new("http.route", route.clone()),
            KeyValue::new("hedge.component", component.to_owned()),
        ];
        let parent = self.propagator.extract(&HeaderExtractor(request.headers()));
        let span =
            self.start_span(format!("{method} {route}"), SpanKind::Server, attributes, &parent);
        self.pass_on(&span, request.headers_mut());
        span
    }

    /// A component sends a request on behalf of one that it answers, or of the trace that it names
    /// itself. None: of neither.
    pub fn begin_client<B>(
        &self,
        request: &mut Request<B>,
        on_behalf: Option<Parent>,
    ) -> Option<Span> {
        let named = self.propagator.extract(&HeaderExtractor(request.headers()));
        let parent = match on_behalf {
            _ if named.span().span_context().is_valid() => named,
            Some(parent) => remote_context(parent),
            None => return None,
        };
        let method = request.method().to_string();
        let host = request.uri().host().or_else(|| request.headers().get(HOST)?.to_str().ok());
        let host = host.unwrap_or_default().to_owned();
        let name = format!("{method} {host}");
        let attributes = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("server.address", host),
        ];
        let span = self.start_span(name, SpanKind::Client, attributes, &parent);
        self.pass_on(&span, request.headers_mut());
        Some(span)
    }

    /// A statement is run for a request.
    pub fn begin_statement(&self, database: &str, statement: &str, parent: Parent) -> Span {
        let operation = statement.split_whitespace().next().unwrap_or_default();
        let operation = operation.to_ascii_uppercase();
        let attributes = vec![
            KeyValue::new("db.system.name", "sqlite"),
            KeyValue::new("db.namespace", database.to_owned()),
            KeyValue::new("db.operation.name", operation.clone()),
        ];
        let name = format!("{operation} {database}");
        self.start_span(name, SpanKind::Client, attributes, &remote_context(parent))
    }

    /// Sends what is left, and ends. Blocks.
    pub fn shut_down(&self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::debug!("some traces were dropped: {error}");
        }
    }

    fn start_span(
        &self,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        attributes: Vec<KeyValue>,
        parent: &Context,
    ) -> Span {
        let builder = SpanBuilder::from_name(name).with_kind(kind).with_attributes(attributes);
        Span(self.tracer.build_with_context(builder, parent))
    }

    fn pass_on(&self, span: &Span, headers: &mut HeaderMap) {
        let context = remote_context(span.as_parent());
        self.propagator.inject_context(&context, &mut HeaderInjector(headers));
    }
}

fn remote_context(parent: Parent) -> Context {
    Context::new().with_remote_span_context(parent)
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::trace::InMemorySpanExporter;

    use super::*;

    const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn traces() -> (Traces, InMemorySpanExporter) {
        let kept = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone()).build();
        (Traces::new(provider), kept)
    }

    fn request(traceparent: Option<&str>) -> Request<()> {
        let request = Request::post("http://hub.example/sync/v1/entries?secret=1");
        match traceparent {
            Some(parent) => request.header("traceparent", parent).body(()).unwrap(),
            None => request.body(()).unwrap(),
        }
    }

    #[test]
    fn a_trace_goes_through_a_component_and_says_no_path() {
        let (traces, kept) = traces();
        let mut incoming = request(Some(TRACEPARENT));
        let mut span = traces.begin_server("sync", &mut incoming);
        let passed = incoming.headers()["traceparent"].to_str().unwrap().to_owned();
        assert!(passed.contains("4bf92f3577b34da6a3ce929d0e0e4736") && passed != TRACEPARENT);
        drop(traces.begin_statement("progress", "\n  insert INTO a VALUES (1)", span.as_parent()));
        let mut outgoing = request(None);
        drop(traces.begin_client(&mut outgoing, Some(span.as_parent())).unwrap());
        span.set_status(StatusCode::BAD_GATEWAY);
        drop(span);
        let spans = kept.get_finished_spans().unwrap();
        let names: Vec<_> = spans.iter().map(|span| span.name.as_ref()).collect();
        assert_eq!(names, ["INSERT progress", "POST hub.example", "POST /..."]);
        let parent = spans[2].span_context.span_id();
        assert!(spans[..2].iter().all(|span| span.parent_span_id == parent));
        assert!(!format!("{spans:?}").contains("secret"));
        assert_eq!(spans[2].status, Status::error(""));
    }

    #[test]
    fn a_request_that_is_sent_for_nobody_begins_no_trace() {
        let (traces, kept) = traces();
        assert!(traces.begin_client(&mut request(None), None).is_none());
        let mut named = request(Some(TRACEPARENT));
        assert!(traces.begin_client(&mut named, None).is_some(), "the component names a trace");
        assert_eq!(kept.get_finished_spans().unwrap().len(), 1);
    }
}
