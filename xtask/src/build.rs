//! `cargo xtask build`.

use std::path::Path;

use anyhow::{Result, bail};

use crate::command::{self, cargo};
use crate::guest::Toolchain;
use crate::progress::step;
use crate::workspace;

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
    guests(&root, arguments.examples)?;
    if arguments.components_only { Ok(()) } else { host(&root) }
}

/// Builds the components, and the examples' if asked.
pub fn guests(root: &Path, examples: bool) -> Result<()> {
    let toolchain = Toolchain::choose()?;
    let shared_target = root.join("target/guest");
    step(&format!("building the components with {}", toolchain.describe()), || {
        let manifest = root.join("Cargo.toml");
        let components = workspace::components(&manifest, &root.join("components"))?;
        toolchain.build(&manifest, &components, &shared_target)
    })?;
    if !examples {
        return Ok(());
    }
    for manifest in workspace::apps(root)? {
        let folder = manifest.parent().unwrap_or(root);
        let name = folder.strip_prefix(root).unwrap_or(folder).display().to_string();
        step(&format!("building {name}"), || {
            let components = workspace::components(&manifest, folder)?;
            toolchain.build(&manifest, &components, &shared_target)
        })?;
    }
    Ok(())
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
    step(&format!("building {}", packages.join(", ")), || {
        toolchain.build(&root.join("Cargo.toml"), &components, &root.join("target/guest"))
    })
}

/// Builds everything native, tests included: as `cargo test` needs it, which is not quite as [`host`]
/// does, since the features of shared dependencies differ with what is built together. Not the libraries
/// themselves: a component's links for WebAssembly only.
pub fn natives(root: &Path) -> Result<()> {
    step("building the host and the tests", || {
        let build = ["build", "--profile", "host", "--workspace"];
        let arguments = build.iter().chain(&["--bins", "--tests", "--examples"]);
        command::run(cargo().args(arguments).current_dir(root))
    })
}

/// Builds the embedded host, among the workspace's other programs: built alone its dependencies would have
/// other features, and be compiled once more for the tests.
pub fn host(root: &Path) -> Result<()> {
    step("building the host", || {
        let arguments = ["build", "--profile", "host", "--workspace", "--bins"];
        command::run(cargo().args(arguments).current_dir(root))
    })
}
