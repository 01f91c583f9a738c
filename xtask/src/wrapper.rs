//! This program as Cargo's wrapper of the compiler: it adds one flag for one crate.
//!
//! The shim works inside containers, whose files have no libraries for it, and so brings its own.
//! That differs from other programs in how it is linked alone. Cargo knows flags for a whole build,
//! which would compile everything below twice; and for one package (`cargo rustc`), whose features
//! of dependencies are not those of the workspace, with the same effect.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

/// Set for the compiler: which crate is to be linked with its libraries in it.
const CRATE: &str = "XTASK_STATIC_CRATE";
/// Cargo's own variable, and the value that it had before.
const WRAPPER: &str = "RUSTC_WRAPPER";
const INNER: &str = "XTASK_INNER_WRAPPER";
/// The flag for that.
const STATIC: [&str; 4] = ["-C", "target-feature=+crt-static", "-C", "relocation-model=static"];

/// Has Cargo link this crate's program with its libraries in it.
pub fn link_statically(cargo: &mut Command, name: &str) -> Result<()> {
    let own = env::current_exe().context("finding this program")?;
    if let Some(inner) = env::var_os(WRAPPER).filter(|inner| !inner.is_empty()) {
        cargo.env(INNER, inner);
    }
    cargo.env(WRAPPER, own).env(CRATE, name);
    Ok(())
}

/// Compiles, if Cargo has started this program for that.
pub fn compile_crate() -> Option<ExitCode> {
    let name = env::var_os(CRATE)?;
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let looks_like_rustc = arguments.first().map(Path::new).and_then(Path::file_stem)?;
    looks_like_rustc.to_string_lossy().contains("rustc").then_some(())?;
    let words = env::var_os(INNER).into_iter().chain(arguments.iter().cloned());
    let words: Vec<_> = words.collect();
    let (program, rest) = words.split_first()?;
    let mut compiler = Command::new(program);
    compiler.args(rest);
    if is_of(&arguments, &name) {
        compiler.args(STATIC);
    }
    let error = compiler.exec();
    eprintln!("starting {}: {error}", Path::new(program).display());
    Some(ExitCode::FAILURE)
}

fn is_of(arguments: &[OsString], name: &OsString) -> bool {
    arguments
        .windows(2)
        .any(|pair| matches!(pair, [flag, of] if flag == "--crate-name" && of == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_is_known_by_its_name() {
        let line = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let name = OsString::from("shim");
        assert!(is_of(&line("rustc --crate-name shim --edition=2024"), &name));
        assert!(!is_of(&line("rustc --crate-name shim_lib shim"), &name));
    }
}
