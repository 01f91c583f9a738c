//! `cargo xtask up`: a node with a demo course, ready to be used in a browser.

mod demo;
mod secrets;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::progress::{Steps, step};
use crate::{build, workspace};
use secrets::Secrets;

/// How long a node may take to start.
const START_MAX: Duration = Duration::from_secs(60);
/// The pause between two looks whether it has.
const PAUSE: Duration = Duration::from_millis(10);

/// How to start.
#[derive(clap::Args)]
pub struct Arguments {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:3000", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Forget the state of earlier runs
    #[arg(long)]
    fresh: bool,
    /// Start what the last build made
    #[arg(long)]
    no_build: bool,
    /// A variable of the app, as for `hedge up`, e.g. upstream_url=https://hub.example.org;
    /// repeatable
    #[arg(long = "variable", value_name = "NAME=VALUE")]
    variables: Vec<String>,
}

/// Builds, starts a node, fills it, and stays with it until it ends.
pub fn main(arguments: &Arguments) -> Result<()> {
    let root = workspace::find_root()?;
    ensure_free(arguments.listen)?;
    if !arguments.no_build {
        build::build_node(&root, &mut Steps::new(1))?;
    }
    let state = root.join("target/up");
    if arguments.fresh && state.exists() {
        fs::remove_dir_all(&state).with_context(|| format!("removing {}", state.display()))?;
    }
    fs::create_dir_all(&state)?;
    let secrets = Secrets::load_or_make(&state)?;
    let mut node = start_node(&root, &state, arguments, &secrets)?;
    let group = Pid::from_child(&node);
    forward_signals(group)?;
    let address = reachable_address(arguments.listen);
    let advice = "look at what the node said above; `cargo xtask up --fresh` starts anew";
    let ready = step("starting the node", advice, || {
        await_health(&mut node, &address)?;
        demo::fill_node(&address, &root.join("examples"), &secrets)
    });
    if let Err(error) = ready {
        // It may have ended by itself.
        let _ = kill_process_group(group, Signal::TERM);
        return Err(error);
    }
    eprintln!("{}", welcome_text(&address, &state, &secrets));
    let status = node.wait()?;
    ensure!(status.success(), "the node ended with {status}");
    Ok(())
}

/// Whether the address can be listened on: better said now than after a build.
fn ensure_free(address: SocketAddr) -> Result<()> {
    let Err(error) = TcpListener::bind(address) else { return Ok(()) };
    bail!("cannot listen on {address}: {error}. Choose another with --listen, e.g. 127.0.0.1:3010")
}

/// Where to reach a node that listens there.
fn reachable_address(mut listen: SocketAddr) -> String {
    if listen.ip().is_unspecified() {
        listen.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    format!("http://{listen}")
}

/// Starts the node with its state folder as working directory, which is where its databases go.
fn start_node(
    root: &Path,
    state: &Path,
    arguments: &Arguments,
    secrets: &Secrets,
) -> Result<Child> {
    let mut hedge = Command::new(root.join("target/host/hedge"));
    hedge.arg("up").arg("--from").arg(root.join("spin.toml"));
    hedge.arg("--runtime-config-file").arg(root.join("runtime-config.toml"));
    hedge.arg("--state-dir").arg(state);
    hedge.args(["--listen", &arguments.listen.to_string()]);
    hedge.args(arguments.variables.iter().flat_map(|variable| ["--variable", variable]));
    // Not as flags: other users of the machine can read those.
    hedge.env("SPIN_VARIABLE_BOOTSTRAP_ADMIN", &secrets.administrator);
    hedge.env("SPIN_VARIABLE_BOOTSTRAP_CLIENT", &secrets.client);
    // Its own group: Ctrl-C reaches it once, through us.
    hedge.current_dir(state).process_group(0);
    hedge.spawn().context("starting target/host/hedge: `cargo xtask build` makes it")
}

/// Passes on what asks us to end. The node drains its requests; we end when it has.
fn forward_signals(group: Pid) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || {
        for _ in signals.forever() {
            let _ = kill_process_group(group, Signal::TERM);
        }
    });
    Ok(())
}

/// Waits until the node answers.
fn await_health(node: &mut Child, address: &str) -> Result<()> {
    let start = Instant::now();
    let health = format!("{address}/.well-known/spin/health");
    while start.elapsed() < START_MAX {
        if let Some(status) = node.try_wait()? {
            bail!("the node ended with {status}");
        }
        if ureq::get(&health).call().is_ok() {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    bail!("the node did not answer within {} s", START_MAX.as_secs())
}

/// What one needs to know now.
fn welcome_text(address: &str, state: &Path, secrets: &Secrets) -> String {
    let Secrets { administrator, learner, client } = secrets;
    let [administrator, learner, client] =
        [administrator, learner, client].map(|pair| pair.replacen(':', " / ", 1));
    format!(
        "
  Hedgeschool is ready: {address}

    administrator    {administrator}
    learner          {learner}
    xAPI endpoint    {address}/xapi/
    xAPI client      {client}
    state            {} (--fresh starts anew)

  Ctrl-C stops it.
",
        state.display()
    )
}
