//! `cargo xtask image`: what is carried to a box.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::command::run_unseen;
use crate::debian::{self, Need};
use crate::progress::{Steps, say};
use crate::{build, command, workspace};

/// The programs that a box needs, and where the build has them.
const PROGRAMS: [&str; 2] = ["target/shim/containerd-shim-hedge-v1", "target/host/hedge"];

/// The verifier, for nodes whose OCI runtime runs modules itself.
const VERIFIER: &str = "target/wasm32-wasip1/release/hedge-verify.wasm";

/// What to make.
#[derive(clap::Args)]
pub struct Arguments {
    /// Where to write to: the images, the shim and `hedge`
    #[arg(long, short, default_value = "target/image", value_name = "FOLDER")]
    output: PathBuf,
    /// Compile for this family of processors, amd64 or arm64; repeatable. This machine's when not
    /// given. (Code for arm64 was compiled here, and never run.)
    #[arg(long = "arch", value_name = "FAMILY")]
    architectures: Vec<String>,
    /// Only what boxes lack that have the image in this folder
    #[arg(long, value_name = "FOLDER")]
    update_of: Option<PathBuf>,
    /// Pack what the last build made
    #[arg(long)]
    no_build: bool,
}

/// Builds, and packs.
pub fn main(arguments: &Arguments) -> Result<()> {
    let root = workspace::find_root()?;
    debian::ensure(&[Need::program("objcopy", &["binutils"], "programs without their symbols")])?;
    let mut steps = Steps::new(if arguments.no_build { 3 } else { 5 });
    if !arguments.no_build {
        build::build_node_and_shim(&root, &mut steps)?;
        build::build_verifier(&root, &mut steps)?;
    }
    let output = root.join(&arguments.output);
    steps.step("packing the image", "look at what `hedge image` says above", || {
        command::run(&mut pack_command(&root, arguments, &output))
    })?;
    steps.step("packing the verifier", "look at what `hedge image` says above", || {
        let mut hedge = Command::new(root.join("target/host/hedge"));
        let hedge = hedge.arg("image").arg("--program").arg(root.join(VERIFIER));
        command::run(hedge.arg("--output").arg(&output))
    })?;
    steps.step("packing the programs", "look at what objcopy says above", || {
        PROGRAMS.iter().try_for_each(|program| split_symbols(&root.join(program), &output))
    })?;
    say(&format!("in {}; docs/shim.md says what to do with it", output.display()));
    Ok(())
}

fn pack_command(root: &Path, arguments: &Arguments, output: &Path) -> Command {
    let mut hedge = Command::new(root.join("target/host/hedge"));
    hedge.arg("image").arg("--from").arg(root.join("spin.toml"));
    hedge.arg("--runtime-config-file").arg(root.join("runtime-config.toml"));
    hedge.arg("--output").arg(output).arg("--spin");
    hedge.args(arguments.architectures.iter().flat_map(|family| ["--arch", family]));
    if let Some(earlier) = &arguments.update_of {
        hedge.arg("--update-of").arg(earlier);
    }
    hedge
}

/// Puts a program into a folder without its symbols, and those beside it, as NAME.debug.
fn split_symbols(program: &Path, folder: &Path) -> Result<()> {
    let name = program.file_name().unwrap_or_default();
    let stripped = folder.join(name);
    let symbols = folder.join(format!("{}.debug", name.to_string_lossy()));
    let objcopy = || Command::new("objcopy");
    run_unseen(objcopy().arg("--only-keep-debug").arg(program).arg(&symbols))?;
    let link = format!("--add-gnu-debuglink={}", symbols.display());
    // A program that runs is not written over.
    let _ = fs::remove_file(&stripped);
    run_unseen(objcopy().arg("--strip-all").arg(link).arg(program).arg(&stripped))
}
