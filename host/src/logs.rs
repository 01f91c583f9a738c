//! Where log lines go: standard error, as text or JSON.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Sets logging up for the process. `HEDGE_LOG`, else `RUST_LOG`, says what is logged, such as
/// `warn,hedge=debug`; `info` by default, and when it cannot be read. `guests` is whether
/// components' output is.
pub fn init(format: LogFormat, guests: bool) {
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
    // Fails only when a logger is set already, which then is somebody's choice.
    let _ = registry().with(lines.with_filter(filter)).try_init();
}
