//! Where log lines go: standard error, as text or JSON.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Sets logging up for the process. `HEDGE_LOG`, else `RUST_LOG`, says what is logged, `info` by
/// default; `guests` is whether components' output is.
pub fn init(format: LogFormat, guests: bool) {
    let filter = std::env::var("HEDGE_LOG").or_else(|_| std::env::var("RUST_LOG"));
    let mut filter = filter.unwrap_or_else(|_| "info".to_owned());
    if !guests {
        filter.push_str(",hedge::guest=off");
    }
    let filter = EnvFilter::builder().parse_lossy(filter);
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // Fails only when a logger is set already, which then is somebody's choice.
    let _ = match format {
        LogFormat::Text => logs.with_target(false).try_init(),
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
    };
}
