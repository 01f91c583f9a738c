//! Builds, runs and tests Hedgeschool: `cargo xtask help`.
//!
//! It chooses a toolchain for the WebAssembly components by itself ([`guest`]) and, as root on Debian,
//! installs what a fresh machine lacks ([`debian`]); elsewhere it says in one sentence what to install.

mod build;
mod command;
mod debian;
mod guest;
mod progress;
mod workspace;

use anyhow::Result;
use clap::Parser;

/// Builds, runs and tests Hedgeschool.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_version_flag = true)]
enum Task {
    /// Build the WebAssembly components and the host
    Build(build::Arguments),
}

fn main() -> Result<()> {
    match Task::parse() {
        Task::Build(arguments) => build::main(&arguments),
    }
}
