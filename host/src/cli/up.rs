//! `hedge up`: runs an application until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use super::location::Location;
use crate::app::AppOptions;
use crate::duration;
use crate::limits::Limits;
use crate::logs::{self, LogFormat};
use crate::serve::{self, ContentListen, ListenAddresses};
use crate::variables::Overrides;

/// The arguments of `hedge up`.
#[derive(Debug, Args)]
pub struct Up {
    #[command(flatten)]
    location: Location,
    /// Where to listen; port 0 takes any free port, and the address taken is printed
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:3000",
        env = "SPIN_HTTP_LISTEN_ADDR"
    )]
    listen: SocketAddr,
    /// Where course content is served, so that browsers keep it apart from the portal: another
    /// port, or `none`; when not given, the port after that of --listen, unless the variable
    /// content_origin says where
    #[arg(long, value_name = "ADDRESS:PORT", env = "HEDGE_CONTENT_LISTEN_ADDR")]
    content_listen: Option<ContentListen>,
    /// Where Prometheus asks, at /metrics: an address that only it reaches; when not given, nowhere
    #[arg(long, value_name = "ADDRESS:PORT", env = "HEDGE_METRICS_LISTEN_ADDR")]
    metrics_listen: Option<SocketAddr>,
    /// Where compiled components are kept; when not given, the user's cache folder, or the state
    /// folder if that cannot be written to
    #[arg(long, value_name = "FOLDER", env = "HEDGE_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
    /// An application variable: name=value, name=@file, @file.toml or @file.json; repeatable
    #[arg(long = "variable", value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// An environment variable for all components; repeatable
    #[arg(short = 'e', long = "env", value_name = "NAME=VALUE", value_parser = parse_pair)]
    environment: Vec<(String, String)>,
    /// Keep what components print out of the log
    #[arg(short, long)]
    quiet: bool,
    /// The form of log lines
    #[arg(long, value_name = "FORM", value_enum, default_value = "text")]
    log_format: LogFormat,
    #[command(flatten)]
    limits: LimitArgs,
}

/// Flags over [`Limits`].
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// Requests a component works on at one time; more wait
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = Limits::default().instances_max,
        value_parser = at_least_one
    )]
    max_instances: usize,
    /// Requests that may wait for a component; more are answered 503
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().waiting_max)]
    max_waiting: usize,
    /// Requests that may share an instance at one time
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = Limits::default().instance_concurrency_max,
        value_parser = at_least_one
    )]
    max_instance_concurrent_reuse_count: usize,
    /// Requests an instance answers before a new one takes over
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = Limits::default().instance_requests_max,
        value_parser = at_least_one
    )]
    max_instance_reuse_count: usize,
    /// How long an instance waits for its next request
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::parse)]
    idle_instance_timeout: Duration,
    /// How long a response may take to begin; a body that streams may take longer
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration::parse)]
    request_timeout: Duration,
    /// How long a response body may stream, server-sent events included
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration::parse)]
    stream_timeout: Duration,
    /// Memory of one component, in MiB
    #[arg(
        long,
        value_name = "MIB",
        default_value_t = 256,
        value_parser = clap::value_parser!(u16).range(1..=4096)
    )]
    max_memory: u16,
    /// Memory for course files that the host answers by itself, in MiB; 0: components answer all
    #[arg(
        long,
        value_name = "MIB",
        default_value_t = Limits::default().response_cache_bytes >> 20,
        value_parser = clap::value_parser!(u64).range(0..=4096)
    )]
    response_cache: u64,
    /// Connections open at one time; more wait
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = Limits::default().connections_max,
        value_parser = at_least_one
    )]
    max_connections: usize,
    /// Streams of server-sent events open at one time; more are answered 503
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = Limits::default().event_streams_max,
        value_parser = at_least_one
    )]
    max_event_streams: usize,
    /// How long requests may go on once the host is told to stop
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::parse)]
    drain_timeout: Duration,
}

impl LimitArgs {
    fn to_limits(&self) -> Limits {
        Limits {
            instances_max: self.max_instances,
            waiting_max: self.max_waiting,
            instance_concurrency_max: self.max_instance_concurrent_reuse_count,
            instance_requests_max: self.max_instance_reuse_count,
            instance_idle_max: self.idle_instance_timeout,
            request_max: self.request_timeout,
            stream_max: self.stream_timeout,
            memory_max: usize::from(self.max_memory) << 20,
            response_cache_bytes: self.response_cache << 20,
            connections_max: self.max_connections,
            event_streams_max: self.max_event_streams,
            drain_max: self.drain_timeout,
            ..Limits::default()
        }
    }
}

fn parse_pair(text: &str) -> Result<(String, String)> {
    let (name, value) = text.split_once('=').context("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn at_least_one(text: &str) -> Result<usize> {
    let number: usize = text.parse()?;
    anyhow::ensure!(number > 0, "at least 1");
    Ok(number)
}

impl Up {
    /// Runs until SIGTERM or SIGINT.
    ///
    /// # Errors
    /// When the application does not load or the address cannot be listened on.
    pub fn run(self) -> Result<()> {
        let _logs = logs::init(self.log_format, !self.quiet)?;
        let options = AppOptions {
            manifest: self.location.from,
            runtime_config: self.location.runtime_config_file,
            state_dir: self.location.state_dir,
            cache_dir: self.cache_dir,
            variables: Overrides::parse(&self.variables)?,
            environment: self.environment,
            limits: self.limits.to_limits(),
            ..AppOptions::default()
        };
        let addresses = ListenAddresses {
            main: self.listen,
            content: self.content_listen.unwrap_or_default(),
            metrics: self.metrics_listen,
        };
        serve::run(addresses, options)
    }
}
