//! `cargo xtask build`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, anyhow, bail};

use crate::cargo::{cargo, run_build};
use crate::guest::Toolchain;
use crate::progress::{Steps, step};
use crate::{players, workspace, wrapper};

/// Where a compiler other than Cargo's own builds components.
const GUEST_TARGET: &str = "target/guest";
/// The program of the containerd shim, and its package.
const SHIM: &str = "containerd-shim-hedge-v1";
const SHIM_CRATE: &str = "containerd_shim_hedge_v1";
const SHIM_PACKAGE: &str = "containerd-shim-hedge";
/// The package of the verifier, and the module that it is for engines that run nothing newer.
const VERIFIER_PACKAGE: &str = "hedgeschool-verifier";
const VERIFIER_MODULE: &str = "hedge-verify.wasm";
/// What to do when a build fails.
const MEND: &str = "mend what the compiler names above";

/// What to build.
#[derive(clap::Args)]
pub struct Arguments {
    /// Also the apps under examples/, and the tests' own
    #[arg(long)]
    examples: bool,
    /// Only the verifier, as a module for WASI 0.1
    #[arg(long, conflicts_with_all = ["examples", "components_only", "packages"])]
    verifier: bool,
    /// Only the WebAssembly components, not the host
    #[arg(long)]
    components_only: bool,
    /// Only the components of these Cargo packages, e.g. `-p hedgeschool-progress-store`
    #[arg(long = "package", short, value_name = "PACKAGE", conflicts_with = "examples")]
    packages: Vec<String>,
}

/// Builds what the arguments ask for.
pub fn main(arguments: &Arguments) -> Result<()> {
    let root = workspace::find_root()?;
    if !arguments.packages.is_empty() {
        return some_components(&root, &arguments.packages);
    }
    let mut steps = Steps::new(if arguments.examples { 2 } else { 1 });
    if arguments.verifier {
        return build_verifier(&root, &mut steps);
    }
    if arguments.components_only {
        steps.step("building the components", MEND, || build_all_components(&root))?;
    } else {
        build_node_and_shim(&root, &mut steps)?;
    }
    if arguments.examples { build_apps(&root, &mut steps) } else { Ok(()) }
}

/// Builds what a node is: the host and, beside it, the components. On a fresh machine their
/// compiler is installed meanwhile. The whole workspace decides on the features of dependencies, as
/// it does for the tests: otherwise these would build most of them once more.
pub fn build_node(root: &Path, steps: &mut Steps) -> Result<()> {
    let mut host = cargo();
    host.args(["build", "--profile", "host", "--workspace", "--bin", "hedge"]);
    beside_components(root, "building the host and the components", &mut host, steps)
}

/// Builds that and the containerd shim.
pub fn build_node_and_shim(root: &Path, steps: &mut Steps) -> Result<()> {
    let mut natives = cargo();
    natives.args(["build", "--profile", "host", "--workspace", "--bin", "hedge"]);
    with_shim(&mut natives)?;
    let title = "building the host, the containerd shim and the components";
    beside_components(root, title, &mut natives, steps)?;
    publish_shim(root)
}

/// Builds everything native, tests included, and the components beside it. The libraries themselves
/// are left out: a component's links for WebAssembly only.
pub fn build_all(root: &Path, steps: &mut Steps) -> Result<()> {
    let mut natives = cargo();
    natives.args(["build", "--profile", "host", "--workspace"]);
    natives.args(["--bins", "--tests", "--examples"]);
    wrapper::link_statically(&mut natives, SHIM_CRATE)?;
    let title = "building the tests, the host and the components";
    beside_components(root, title, &mut natives, steps)?;
    publish_shim(root)
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
            let natives = run_build("host", natives.current_dir(root));
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

fn build_all_components(root: &Path) -> Result<()> {
    build_components(root, &Toolchain::choose()?)
}

fn build_components(root: &Path, toolchain: &Toolchain) -> Result<()> {
    players::bring_files(root)?;
    let manifest = root.join("Cargo.toml");
    let components = workspace::find_components(&manifest, &root.join("components"))?;
    toolchain.build(&manifest, &components, &root.join(GUEST_TARGET))
}

/// Has a build make the containerd shim too.
fn with_shim(natives: &mut Command) -> Result<()> {
    natives.args(["--bin", SHIM]);
    wrapper::link_statically(natives, SHIM_CRATE)
}

/// Puts the shim where tests and people find it. A program may be running from there, which goes
/// on.
fn publish_shim(root: &Path) -> Result<()> {
    let (built, folder) = (root.join("target/host").join(SHIM), root.join("target/shim"));
    let program = fs::read(&built).with_context(|| format!("reading {}", built.display()))?;
    if is_dynamic(&program) {
        // Somebody has built it without this program, and Cargo sees no difference.
        fs::remove_file(&built)?;
        bail!(
            "{} needs libraries that containers do not have: run `cargo clean --profile host \
             --package {SHIM_PACKAGE}` and this command again",
            built.display()
        );
    }
    fs::create_dir_all(&folder)?;
    let (place, fresh) = (folder.join(SHIM), folder.join(format!("{SHIM}.new")));
    if fs::read(&place).is_ok_and(|published| published == program) {
        return Ok(());
    }
    fs::copy(&built, &fresh)?;
    fs::rename(&fresh, &place).with_context(|| format!("writing {}", place.display()))
}

/// Whether a program names another one that loads its libraries (ELF, "Program Interpreter").
fn is_dynamic(program: &[u8]) -> bool {
    let loaders: [&[u8]; 2] = [b"/lib64/ld-linux", b"/lib/ld-linux"];
    let head = program.get(..4096).unwrap_or(program);
    loaders.iter().any(|loader| head.windows(loader.len()).any(|part| part == *loader))
}

/// Builds the apps under examples/, and the tests' own.
pub fn build_apps(root: &Path, steps: &mut Steps) -> Result<()> {
    let toolchain = Toolchain::choose()?;
    steps.step("building the examples and the tests' own apps", MEND, || {
        for manifest in workspace::find_apps(root)? {
            let folder = manifest.parent().unwrap_or(root);
            let components = workspace::find_components(&manifest, folder)?;
            toolchain.build(&manifest, &components, &root.join(GUEST_TARGET))?;
        }
        Ok(())
    })
}

/// Builds the verifier as a module for WASI 0.1.
pub fn build_verifier(root: &Path, steps: &mut Steps) -> Result<()> {
    let toolchain = Toolchain::choose()?;
    steps.step("building the verifier for WASI 0.1", MEND, || {
        let (package, file) = (VERIFIER_PACKAGE.to_owned(), VERIFIER_MODULE.to_owned());
        let module = workspace::Component { package, file };
        toolchain.build_module(&root.join("Cargo.toml"), module, &root.join(GUEST_TARGET))
    })
}

/// Builds a few components, while working on them.
fn some_components(root: &Path, packages: &[String]) -> Result<()> {
    let mut components =
        workspace::find_components(&root.join("Cargo.toml"), &root.join("components"))?;
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
