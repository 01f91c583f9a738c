//! The `hedge` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    hedge::cli::run()
}
