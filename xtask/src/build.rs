//! `cargo xtask build`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, anyhow, bail};

use crate::command::cargo;
use crate::guest::Toolchain;
use crate::progress::{self, Steps, step};
use crate::workspace;

/// Where a compiler other than Cargo's own builds components.
const GUEST_TARGET: &str = "target/guest";
/// The program of the containerd shim, and its package.
const SHIM: &str = "containerd-shim-hedge-v1";
const SHIM_PACKAGE: &str = "containerd-shim-hedge";
/// What to do when a build fails.
const MEND: &str = "mend what the compiler names above";

/// What to build.
#[derive(clap::Args)]
pub struct Arguments {
    /// Also the apps under examples/, and the tests' own
    #[arg(long)]
    examples: bool,
    /// Only the WebAssembly components, not the host
    #[arg(long)]
    components_only: bool,
    /// Only the components of these Cargo packages, e.g. `-p hedgeschool-progress-store`
    #[arg(long = "package", short, value_name = "PACKAGE", conflicts_with = "examples")]
    packages: Vec<String>,
}

/// Builds what the arguments ask for.
pub fn main(arguments: &Arguments) -> Result<()> {
    let root = workspace::root()?;
    if !arguments.packages.is_empty() {
        return some_components(&root, &arguments.packages);
    }
    let count = 1 + u32::from(!arguments.components_only) + u32::from(arguments.examples);
    let mut steps = Steps::new(count);
    if arguments.components_only {
        steps.step("building the components", MEND, || components(&root))?;
    } else {
        node(&root, &mut steps)?;
    }
    if !arguments.components_only {
        shim(&root, &mut steps)?;
    }
    if arguments.examples { apps(&root, &mut steps) } else { Ok(()) }
}

/// Builds what a node is: the host and, beside it, the components. On a fresh machine their
/// compiler is installed meanwhile. The whole workspace decides on the features of dependencies, as
/// it does for the tests: otherwise these would build most of them once more.
pub fn node(root: &Path, steps: &mut Steps) -> Result<()> {
    let mut host = cargo();
    host.args(["build", "--profile", "host", "--workspace", "--bin", "hedge"]);
    beside_components(root, "building the host and the components", &mut host, steps)
}

/// Builds everything native, tests included, and the components beside it. The libraries themselves
/// are left out: a component's links for WebAssembly only.
pub fn all(root: &Path, steps: &mut Steps) -> Result<()> {
    let mut natives = cargo();
    natives.args(["build", "--profile", "host", "--workspace"]);
    natives.args(["--bins", "--tests", "--examples"]);
    let title = "building the tests, the host and the components";
    beside_components(root, title, &mut natives, steps)
}

fn beside_components(
    root: &Path,
    title: &str,
    natives: &mut Command,
    steps: &mut Steps,
) -> Result<()> {
    Toolchain::check()?;
    steps.step(title, MEND, || {
        thread::scope(|scope| {
            let components = scope.spawn(|| {
                let toolchain = Toolchain::choose()?;
                give_way();
                build_components(root, &toolchain)
            });
            let natives = progress::build("host", natives.current_dir(root));
            let components = components.join();
            natives.and(components.map_err(|_| anyhow!("a thread panicked while building"))?)
        })
    })
}

/// Lets other work go first, from this thread on: what takes longest, the host, ends with one
/// crate after another, and the components fill what that leaves of the processors.
fn give_way() {
    // Without it the build takes longer, no more.
    let _ = rustix::process::nice(5);
}

fn components(root: &Path) -> Result<()> {
    build_components(root, &Toolchain::choose()?)
}

fn build_components(root: &Path, toolchain: &Toolchain) -> Result<()> {
    let manifest = root.join("Cargo.toml");
    let components = workspace::components(&manifest, &root.join("components"))?;
    toolchain.build(&manifest, &components, &root.join(GUEST_TARGET))
}

/// Builds the containerd shim. It also works inside containers, whose files have no libraries for
/// it: it brings its own. Only its last step differs for that, everything below is the host's.
pub fn shim(root: &Path, steps: &mut Steps) -> Result<()> {
    let mut shim = cargo();
    shim.args(["rustc", "--profile", "host", "--package", SHIM_PACKAGE, "--bin", SHIM]);
    shim.args(["--", "-C", "target-feature=+crt-static"]).current_dir(root);
    steps.step("building the containerd shim", MEND, || {
        progress::build("shim", &mut shim)?;
        let folder = root.join("target/shim");
        fs::create_dir_all(&folder)?;
        place(&root.join("target/host").join(SHIM), &folder.join(SHIM))
    })
}

/// Puts a file in the place of another one. A program may be running from that, which goes on.
fn place(from: &Path, to: &Path) -> Result<()> {
    let fresh = to.with_extension("new");
    fs::copy(from, &fresh).with_context(|| format!("copying {}", from.display()))?;
    fs::rename(&fresh, to).with_context(|| format!("writing {}", to.display()))
}

/// Builds the apps under examples/, and the tests' own.
pub fn apps(root: &Path, steps: &mut Steps) -> Result<()> {
    let toolchain = Toolchain::choose()?;
    steps.step("building the examples and the tests' own apps", MEND, || {
        for manifest in workspace::apps(root)? {
            let folder = manifest.parent().unwrap_or(root);
            let components = workspace::components(&manifest, folder)?;
            toolchain.build(&manifest, &components, &root.join(GUEST_TARGET))?;
        }
        Ok(())
    })
}

/// Builds a few components, while working on them.
fn some_components(root: &Path, packages: &[String]) -> Result<()> {
    let mut components = workspace::components(&root.join("Cargo.toml"), &root.join("components"))?;
    let known: Vec<_> = components.iter().map(|component| component.package.clone()).collect();
    if let Some(unknown) = packages.iter().find(|package| !known.contains(package)) {
        bail!("no component is called {unknown}: the components are {}", known.join(", "));
    }
    components.retain(|component| packages.contains(&component.package));
    let toolchain = Toolchain::choose()?;
    step(&format!("building {}", packages.join(", ")), MEND, || {
        toolchain.build(&root.join("Cargo.toml"), &components, &root.join(GUEST_TARGET))
    })
}
