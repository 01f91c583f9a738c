//! `cargo xtask fuzz`: looks for inputs that break what must hold of any.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;

use crate::cargo::cargo;
use crate::command;
use crate::progress::step;
use crate::workspace;

/// What to feed, and how long.
#[derive(clap::Args)]
pub struct Arguments {
    /// Fuzz only these
    #[arg(value_enum, default_values_t = Target::value_variants().to_vec())]
    targets: Vec<Target>,
    /// Executions of each target
    #[arg(long, default_value_t = 1_000_000, value_name = "NUMBER")]
    runs: u64,
}

/// What is fed with inputs: a function of hedgeschool-inputs.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// Bodies of statements
    Statement,
    /// Bodies with attachments
    Multipart,
    /// Query strings and headers
    Query,
}

impl Target {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// Installs what is missing and fuzzes one target after the other. What breaks is left in
/// `tests/fuzz/artifacts`; what reaches new code in `tests/fuzz/corpus`, for the next time.
pub fn main(arguments: &Arguments) -> Result<()> {
    let folder = workspace::find_root()?.join("tests/fuzz");
    install_fuzzer()?;
    for target in &arguments.targets {
        let name = target.name();
        fs::create_dir_all(folder.join("corpus").join(&name))?;
        let advice = "what broke is in tests/fuzz/artifacts: make a test of it, then mend it";
        step(&format!("fuzzing {name}, {} times", arguments.runs), advice, || {
            command::run(&mut fuzz_command(&folder, &name, arguments))
        })?;
    }
    Ok(())
}

/// The program that knows how to call the fuzzer.
fn install_fuzzer() -> Result<()> {
    if command::is_installed("cargo-fuzz") {
        return Ok(());
    }
    step("installing cargo-fuzz", "install cargo-fuzz by hand", || {
        command::run(cargo().args(["install", "--locked", "cargo-fuzz"]))
    })
}

/// What the fuzzer needs of the compiler counts as unstable; the stable one has it all the same.
fn fuzz_command(folder: &Path, name: &str, arguments: &Arguments) -> Command {
    let mut fuzz = cargo();
    // All code is safe Rust, so nothing is to be found by the address sanitizer, at half the speed.
    fuzz.args(["fuzz", "run", "--sanitizer", "none", "--fuzz-dir", ".", name]);
    fuzz.args([&format!("corpus/{name}"), &format!("../inputs/seeds/{name}")]);
    fuzz.arg("--").arg(format!("-runs={}", arguments.runs));
    fuzz.args(["-max_len=4096", "-timeout=10", "-print_final_stats=1", "-verbosity=0"]);
    fuzz.env("RUSTC_BOOTSTRAP", "1").current_dir(folder);
    fuzz
}
