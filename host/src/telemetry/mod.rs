//! What is told to an OpenTelemetry collector, if the environment names one: traces and log lines,
//! by OTLP over HTTP.
//!
//! Everything is set by the variables that all of OpenTelemetry's programs know:
//! `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_SAMPLER`, `OTEL_RESOURCE_ATTRIBUTES` and the rest.
//! What a collector does not take is dropped: nobody waits for it.

mod callers;
mod collector;
mod traces;

use std::env;

use anyhow::{Context, Result};
use opentelemetry_otlp::{LogExporter, SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;

pub use callers::Callers;
use collector::Collector;
pub use traces::{Parent, Span, Traces};

/// Names a collector for everything.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// Names one for traces, and one for log lines.
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const LOGS_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT";
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";

/// Whether there is a collector for what `own` would name one for.
fn is_on(own: &str) -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    is_set(ENDPOINT) || is_set(own)
}

/// Who tells: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`, beside the version.
fn own_resource() -> Resource {
    let mut resource = Resource::builder();
    if env::var_os(SERVICE_NAME).is_none() {
        resource = resource.with_service_name("hedgeschool");
    }
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    resource.with_attribute(version).build()
}

/// What takes traces. None: nobody does.
///
/// # Errors
/// When the environment names a collector by no address.
pub fn open_traces() -> Result<Option<Traces>> {
    if !is_on(TRACES_ENDPOINT) {
        return Ok(None);
    }
    let exporter = SpanExporter::builder().with_http().with_http_client(Collector::new("traces")?);
    let exporter = exporter.build().with_context(|| format!("{ENDPOINT} or {TRACES_ENDPOINT}"))?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter);
    Ok(Some(Traces::new(provider.with_resource(own_resource()).build())))
}

/// What takes log lines. None: nobody does.
///
/// # Errors
/// When the environment names a collector by no address.
pub fn open_logs() -> Result<Option<SdkLoggerProvider>> {
    if !is_on(LOGS_ENDPOINT) {
        return Ok(None);
    }
    let exporter = LogExporter::builder().with_http().with_http_client(Collector::new("logs")?);
    let exporter = exporter.build().with_context(|| format!("{ENDPOINT} or {LOGS_ENDPOINT}"))?;
    let provider = SdkLoggerProvider::builder().with_batch_exporter(exporter);
    Ok(Some(provider.with_resource(own_resource()).build()))
}
