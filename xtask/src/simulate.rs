//! `cargo xtask simulate`: runs the package hedgeschool-simulation.

use anyhow::Result;

use crate::cargo::cargo;
use crate::command;
use crate::workspace;

/// What to simulate.
#[derive(clap::Args)]
pub struct Arguments {
    /// Passed on to the simulation: `-- --help` lists what may be changed
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    rest: Vec<String>,
}

/// Simulates, prints the tables and writes the plots of `docs/simulation.md`.
pub fn main(arguments: &Arguments) -> Result<()> {
    let root = workspace::find_root()?;
    let mut simulate = cargo();
    simulate.args(["run", "--profile", "host", "--package", "hedgeschool-simulation", "--"]);
    simulate.args(["--plots", "docs/simulation"]).args(&arguments.rest);
    command::run(simulate.current_dir(&root))
}
