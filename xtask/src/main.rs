//! Builds, runs and tests Hedgeschool: `cargo xtask help`.
//!
//! It chooses a toolchain for the WebAssembly components by itself ([`guest`]) and, as root on
//! Debian, installs what a fresh machine lacks ([`debian`]); elsewhere it says in one sentence
//! what to install.

mod bench;
mod build;
mod cargo;
mod cluster;
mod command;
mod debian;
mod fuzz;
mod go;
mod guest;
mod image;
mod lint;
mod monitoring;
mod players;
mod progress;
mod revision;
mod select;
mod simulate;
mod test;
mod up;
mod wasmedge;
mod workspace;
mod wrapper;

use std::process::ExitCode;

use clap::Parser;

/// Builds, runs and tests Hedgeschool.
///
/// Each task does by itself whatever it needs: on a fresh checkout, start with `up` or `test`.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = false)]
enum Task {
    /// Build the WebAssembly components and the host
    Build(build::Arguments),
    /// Build, and start a node with a demo course on http://127.0.0.1:3000
    Up(up::Arguments),
    /// Build, and pack what is carried to a box: image, containerd shim and `hedge`
    Image(image::Arguments),
    /// Lint, build, and run all tests
    Test(test::Arguments),
    /// Measure a node and print a table
    Bench(bench::Arguments),
    /// Feed the parsers with inputs that nobody would send
    Fuzz(fuzz::Arguments),
    /// Simulate a fleet in virtual time; draws the plots in docs/simulation and prints tables
    Simulate(simulate::Arguments),
    /// Build crun with WasmEdge, which the tests of containers use if it is there
    Wasmedge(wasmedge::Arguments),
    /// Check the format and lints
    Check(lint::Arguments),
}

fn main() -> ExitCode {
    if let Some(compiled) = wrapper::compile_crate() {
        return compiled;
    }
    let outcome = match Task::parse() {
        Task::Build(arguments) => build::main(&arguments),
        Task::Up(arguments) => up::main(&arguments),
        Task::Image(arguments) => image::main(&arguments),
        Task::Test(arguments) => test::main(&arguments),
        Task::Bench(arguments) => bench::main(&arguments),
        Task::Fuzz(arguments) => fuzz::main(&arguments),
        Task::Simulate(arguments) => simulate::main(&arguments),
        Task::Wasmedge(arguments) => wasmedge::main(&arguments),
        Task::Check(arguments) => lint::main(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nError: {error:#}");
            ExitCode::FAILURE
        }
    }
}
