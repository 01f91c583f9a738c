//! A containerd shim that runs Spin applications, and every other container of their pods.
//!
//! containerd starts this program for each pod; [`start`] makes it a daemon, which answers for the
//! pod's containers ([`daemon`], [`tasks`]). Containers are made by the OCI runtime below
//! ([`oci`]), as anybody's are. In one that holds an application, this same program is what is
//! started ([`bundle`]), and there it is the host ([`serve`]) and the operator's `hedge`.
//!
//! docs/shim.md says how to install it and what it does; ADR 15 says why it is built so.

mod arguments;
mod bundle;
mod cgroup;
mod console;
mod container;
mod daemon;
mod error;
mod events;
mod exits;
mod log;
mod mounts;
mod oci;
mod options;
mod process;
mod serve;
mod start;
mod stdio;
mod tasks;
mod times;

use std::env;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use containerd_shim_protos::protobuf::{Message, MessageField};
use containerd_shim_protos::types::introspection::{RuntimeInfo, RuntimeVersion};

use crate::arguments::{Action, Arguments};

/// What containerd calls this runtime.
const RUNTIME: &str = "io.containerd.hedge.v1";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the command that the process was started with: containerd's, or, in a container, `hedge`.
pub fn run() -> ExitCode {
    let mut words = env::args_os();
    let program = words.next().unwrap_or_default();
    if Path::new(&program).file_name() == Path::new(bundle::HOST).file_name() {
        return match words.next() {
            Some(word) if word == "serve" => serve::run(words.next()),
            _ => hedge::cli::run(),
        };
    }
    match run_command() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{RUNTIME}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run_command() -> Result<()> {
    let arguments = Arguments::parse(env::args_os().skip(1))?;
    match arguments.action {
        Action::Daemon => daemon::run(&arguments),
        Action::Start => start::ensure_daemon(&arguments),
        Action::Delete => start::clean_up(&arguments),
        Action::Version => {
            println!("containerd-shim-hedge-v1 {VERSION}");
            Ok(())
        }
        Action::Info => print_info(),
    }
}

fn print_info() -> Result<()> {
    let version = RuntimeVersion { version: VERSION.to_owned(), ..RuntimeVersion::default() };
    let name = RUNTIME.to_owned();
    let version = MessageField::some(version);
    let info = RuntimeInfo { name, version, ..RuntimeInfo::default() };
    Ok(std::io::stdout().write_all(&info.write_to_bytes()?)?)
}
