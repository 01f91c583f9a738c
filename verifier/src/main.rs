//! `hedge-verify`: see the library.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use hedgeschool_verifier::Request;

/// The switch for engines that drop a program's exit code.
const TRAP: &str = "--trap";

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let given = arguments.len();
    arguments.retain(|argument| argument != TRAP);
    let code = run_request(&arguments);
    if code != 0 && arguments.len() < given {
        // A trap, under Wasm: nothing else tells such an engine that something is wrong.
        std::process::abort();
    }
    ExitCode::from(code)
}

fn run_request(arguments: &[OsString]) -> u8 {
    let mut out = io::stdout().lock();
    let code = Request::parse(arguments).and_then(|request| request.run(&mut out));
    // What was printed must be seen even if the end is a trap.
    let _ = out.flush();
    match code {
        Ok(verdict) => verdict as u8,
        Err(error) => {
            eprintln!("hedge-verify: {error}");
            2
        }
    }
}
