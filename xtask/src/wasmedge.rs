//! `cargo xtask wasmedge`: crun built with WasmEdge, for the tests of containers. No package
//! manager has the pair, so both are built from their repositories' tags, and kept.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{is_installed, read_output, run_unseen};
use crate::debian::{self, Need};
use crate::progress::{Steps, say};
use crate::workspace;

/// Where the repositories are, as they name each other.
const HOME: &str = "https://github.com/";
/// The repositories and their tags. The case study names WasmEdge 0.14 and crun 1.8.5 or newer; up
/// to 1.14.1 crun takes no container of containerd 2, whose specification is 1.1 or newer.
const WASMEDGE: [&str; 2] = ["WasmEdge/WasmEdge", "0.14.1"];
const CRUN: [&str; 2] = ["containers/crun", "1.14.4"];
/// Where the result is, below the repository's folder.
const FOLDER: &str = "target/cluster/crun-1.14.4-wasmedge-0.14.1";
/// In it, the engine's own command line, and what containerd is to start.
const ENGINE: &str = "bin/wasmedge";
const PROGRAM: &str = "crun-wasmedge";
/// Until it is done, where things are on the way.
const SOURCES: &str = "sources";
const BUILD: &str = "build";
/// What the builds need of Debian beside programs.
const LIBRARIES: [&str; 4] = ["libcap-dev", "libseccomp-dev", "libyajl-dev", "libtool"];
/// An interpreter and no more: what it runs here takes milliseconds, and LLVM takes a gigabyte.
const OPTIONS: [&str; 5] = [
    "-DCMAKE_BUILD_TYPE=Release",
    "-DWASMEDGE_USE_LLVM=OFF",
    "-DWASMEDGE_BUILD_PLUGINS=OFF",
    "-DWASMEDGE_FORCE_DISABLE_LTO=ON",
    "-DCMAKE_INSTALL_LIBDIR=lib",
];
/// crun loads the library by its name alone. And it refuses machines that have both generations of
/// cgroups: there it is shown the first one alone.
const SCRIPT: &str = r#"#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH="$here/lib"
if [ -n "$(cat /sys/fs/cgroup/unified/cgroup.controllers 2>/dev/null)" ]; then
  exec unshare --mount sh -c 'umount /sys/fs/cgroup/unified && exec "$@"' sh "$here/bin/crun" "$@"
fi
exec "$here/bin/crun" "$@"
"#;

/// Where from.
#[derive(clap::Args)]
pub struct Arguments {
    /// Where the repositories are, as OWNER/NAME: a folder or an address
    #[arg(long, default_value = HOME, value_name = "PLACE")]
    sources: String,
}

/// Builds it, unless it has been before, and prints the versions.
pub fn main(arguments: &Arguments) -> Result<()> {
    let root = workspace::find_root()?;
    let folder = root.join(FOLDER);
    if find_crun(&root).is_none() {
        ensure_tools()?;
        let mut steps = Steps::new(2);
        let advice = "look at what is said above; --sources names another place";
        steps.step(&format!("building WasmEdge {}", WASMEDGE[1]), advice, || {
            // It may have been built before crun failed.
            if folder.join(ENGINE).is_file() {
                return Ok(());
            }
            build_wasmedge(&folder, &arguments.sources)
        })?;
        steps.step(&format!("building crun {}", CRUN[1]), advice, || {
            build_crun(&folder, &arguments.sources)
        })?;
    }
    for program in [ENGINE, PROGRAM] {
        say(&read_output(Command::new(folder.join(program)).arg("--version"))?);
    }
    Ok(())
}

/// The program for containerd to start, if it has been built.
pub fn find_crun(root: &Path) -> Option<PathBuf> {
    Some(root.join(FOLDER).join(PROGRAM)).filter(|program| program.is_file())
}

fn ensure_tools() -> Result<()> {
    let purpose = "building crun with WasmEdge";
    let programs = ["git", "cmake", "g++", "make", "autoconf", "automake", "pkg-config"];
    let mut needs: Vec<_> =
        programs.iter().map(|program| Need::program(program, &[program], purpose)).collect();
    needs.push(Need::program("ninja", &["ninja-build"], purpose));
    // Elsewhere `configure` says what is missing.
    if is_installed("apt-get") {
        needs.push(Need::packages(&LIBRARIES, purpose));
    }
    debian::ensure(&needs)
}

fn build_wasmedge(folder: &Path, sources: &str) -> Result<()> {
    let (source, build) = (clone_tag(folder, WASMEDGE, sources)?, folder.join(BUILD));
    let mut configure = with_sources(Command::new("cmake"), sources);
    configure.arg("-S").arg(source).arg("-B").arg(&build).args(["-G", "Ninja"]).args(OPTIONS);
    configure.arg(format!("-DCMAKE_INSTALL_PREFIX={}", folder.display()));
    run_unseen(&mut configure)?;
    run_unseen(Command::new("ninja").arg("-C").arg(build).arg("install"))
}

fn build_crun(folder: &Path, sources: &str) -> Result<()> {
    let source = clone_tag(folder, CRUN, sources)?;
    let here = |program: &str| {
        let mut command = with_sources(Command::new(program), sources);
        command.current_dir(&source);
        command
    };
    run_unseen(&mut here("./autogen.sh"))?;
    let include = format!("CPPFLAGS=-I{}", folder.join("include").display());
    let library = format!("LDFLAGS=-L{}", folder.join("lib").display());
    let options = ["--with-wasmedge", "--disable-systemd"];
    run_unseen(here("./configure").args(options).args([include, library]))?;
    // What it reads JSON with is the machine's: the copy that it brings is not built.
    run_unseen(here("make").args(["-C", "libocispec", "SUBDIRS=.", "all"]))?;
    run_unseen(here("make").args(["-j2", "SUBDIRS=.", "all"]))?;
    fs::copy(source.join("crun"), folder.join("bin/crun")).context("crun's program")?;
    for made_on_the_way in [BUILD, SOURCES] {
        fs::remove_dir_all(folder.join(made_on_the_way))?;
    }
    let program = folder.join(PROGRAM);
    fs::write(&program, SCRIPT)?;
    Ok(fs::set_permissions(program, fs::Permissions::from_mode(0o755))?)
}

/// A repository at a tag, with its history: versions are read from there.
fn clone_tag(folder: &Path, [name, tag]: [&str; 2], sources: &str) -> Result<PathBuf> {
    let place = folder.join(SOURCES).join(name);
    // Of a build that was interrupted.
    let _ = fs::remove_dir_all(&place);
    let mut git = with_sources(Command::new("git"), sources);
    git.args(["-c", "advice.detachedHead=false", "clone", "--quiet", "--branch", tag]);
    run_unseen(git.arg(format!("{HOME}{name}.git")).arg(&place))?;
    Ok(place)
}

/// Has the command, and all that it starts, look for repositories elsewhere.
fn with_sources(mut command: Command, sources: &str) -> Command {
    let sources = format!("{}/", sources.trim_end_matches('/'));
    let settings = [("protocol.file.allow", "always".to_owned())];
    let elsewhere =
        (sources != HOME).then(|| (format!("url.{sources}.insteadOf"), HOME.to_owned()));
    let settings = settings.map(|(key, value)| (key.to_owned(), value));
    let settings: Vec<_> = settings.into_iter().chain(elsewhere).collect();
    command.env("GIT_CONFIG_COUNT", settings.len().to_string());
    for (number, (key, value)) in settings.into_iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{number}"), key);
        command.env(format!("GIT_CONFIG_VALUE_{number}"), value);
    }
    command
}
