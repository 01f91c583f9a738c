//! Where log lines go: standard error, as text or JSON, and a collector if there is one.

use std::io::IsTerminal;

use anyhow::Result;
use clap::ValueEnum;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use crate::telemetry;

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// While it is there, log lines go where they should. Then what is left is sent.
#[must_use]
pub struct Logs(Option<SdkLoggerProvider>);

impl Drop for Logs {
    fn drop(&mut self) {
        // Lines that cannot be sent were written all the same.
        let _ = self.0.take().map(|provider| provider.shutdown());
    }
}

/// Sets logging up for the process. `HEDGE_LOG`, else `RUST_LOG`, says what is logged, such as
/// `warn,hedge=debug`; `info` by default, and when it cannot be read. `guests` is whether
/// components' output is.
///
/// # Errors
/// When the environment names a collector by no address.
pub fn init(format: LogFormat, guests: bool) -> Result<Logs> {
    let filter = std::env::var("HEDGE_LOG").or_else(|_| std::env::var("RUST_LOG"));
    let filter = filter.ok().and_then(|filter| filter.parse::<Targets>().ok());
    let mut filter = filter.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    if !guests {
        filter = filter.with_target("hedge::guest", LevelFilter::OFF);
    }
    let lines =
        fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let collected = telemetry::open_logs()?;
    let bridge = collected.as_ref().map(OpenTelemetryTracingBridge::new);
    let layers = lines.and_then(bridge).with_filter(filter);
    // Fails only when a logger is set already, which then is somebody's choice.
    let _ = registry().with(layers).try_init();
    Ok(Logs(collected))
}
