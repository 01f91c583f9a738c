//! Building WebAssembly components, and a module for WASI 0.1, with whichever toolchain this
//! machine has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::cargo::{cargo, run_build};
use crate::command;
use crate::debian::{self, Need};
use crate::workspace::Component;

/// What the line about builds calls them.
const LABEL: &str = "components";
/// What the components are built for.
const TARGET: &str = "wasm32-wasip2";
/// What the module is built for.
const MODULE_TARGET: &str = "wasm32-wasip1";
/// Debian's compiler, beside rustup's.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// Debian's packages for this target; the linker's name depends on their version.
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "rust-web-src", "rust-web-llvm", "wasi-libc"];
/// A link to the linker that Debian's compiler wants, named like the package that brings it.
const DEBIAN_LINKER_LINK: &str = "/usr/bin/rust-lld";
/// Where Debian's wasi-libc is, and the start of a program for it.
const DEBIAN_LIBC: &str = "/usr/lib/wasm32-wasi";
const DEBIAN_START: &str = "crt1-command.o";

/// A compiler that can build components.
pub enum Toolchain {
    /// The active toolchain has the target: nothing special to do.
    Rustup,
    /// Debian's packages: another compiler, whose standard library is built along.
    Debian {
        /// The program that links components.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// Finds a toolchain; as root on Debian, installs one if there is none.
    pub fn choose() -> Result<Self> {
        Self::check()?;
        if has_rustup_target(TARGET)? {
            return Ok(Self::Rustup);
        }
        let purpose = "WebAssembly components";
        debian::ensure(&[Need::packages(&DEBIAN_PACKAGES, purpose)])?;
        debian::ensure(&[Need::packages(&[&linker_package()?], purpose)])?;
        Ok(Self::Debian { linker: debian_linker()? })
    }

    /// Looks whether there is a toolchain, or can be one. At once: better said before a build.
    pub fn check() -> Result<()> {
        let is_there = has_rustup_target(TARGET)? || Path::new(DEBIAN_LINKER_LINK).exists();
        ensure!(
            is_there || debian::can_install(),
            "no compiler for WebAssembly here: run `rustup target add {TARGET}` (or, on Debian \
             without rustup's target, this command once as root)"
        );
        Ok(())
    }

    /// Builds components of the workspace of `manifest`, and puts them where its `spin.toml`
    /// expects them. Another compiler than Cargo's works in a folder of its own, so that neither
    /// spoils the other's cache.
    pub fn build(
        &self,
        manifest: &Path,
        components: &[Component],
        shared_target: &Path,
    ) -> Result<()> {
        let flags = match self {
            Self::Rustup => Vec::new(),
            Self::Debian { linker } => vec![format!("-Clinker={}", linker.display())],
        };
        self.build_for(TARGET, &flags, manifest, components, shared_target)
    }

    /// Builds a program as a module for WASI 0.1, and puts it where the components are, but for
    /// their target's name.
    pub fn build_module(
        &self,
        manifest: &Path,
        module: Component,
        shared_target: &Path,
    ) -> Result<()> {
        let flags = match self {
            Self::Rustup if !has_rustup_target(MODULE_TARGET)? => {
                bail!(
                    "{} is for another target: run `rustup target add {MODULE_TARGET}`",
                    module.package
                )
            }
            Self::Rustup => Vec::new(),
            Self::Debian { .. } => vec![
                format!("-Clinker={DEBIAN_LINKER_LINK}"),
                format!("-Clink-arg={DEBIAN_LIBC}/{DEBIAN_START}"),
            ],
        };
        self.build_for(MODULE_TARGET, &flags, manifest, &[module], shared_target)
    }

    fn build_for(
        &self,
        target: &str,
        flags: &[String],
        manifest: &Path,
        packages: &[Component],
        shared_target: &Path,
    ) -> Result<()> {
        let mut build = cargo();
        build.args(["build", "--release", "--target", target, "--manifest-path"]).arg(manifest);
        build.args(packages.iter().flat_map(|component| ["--package", &component.package]));
        if let Self::Rustup = self {
            return run_build(LABEL, &mut build);
        }
        let build = with_debian(&mut build, flags);
        run_build(LABEL, build.arg("--target-dir").arg(shared_target))?;
        let built = shared_target.join(target).join("release");
        let home = manifest.parent().context("a manifest is in a folder")?;
        publish_components(packages, &built, &home.join("target").join(target).join("release"))
    }
}

/// Whether the active toolchain has a target's standard library.
fn has_rustup_target(target: &str) -> Result<bool> {
    let print = ["--print", "target-libdir", "--target", target];
    let folder = command::read_output(Command::new("rustc").args(print))?;
    let Ok(entries) = fs::read_dir(folder) else { return Ok(false) };
    let mut names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    Ok(names.any(|name| name.starts_with("libstd-") && name.ends_with(".rlib")))
}

/// The package that brings the linker, e.g. `lld-22`.
fn linker_package() -> Result<String> {
    let target = fs::read_link(DEBIAN_LINKER_LINK);
    let target = target.with_context(|| format!("reading the link {DEBIAN_LINKER_LINK}"))?;
    let name = target.file_name().context("the linker's link names no file")?;
    Ok(name.to_string_lossy().into_owned())
}

/// The program in Debian's toolchain that turns object files into a component.
fn debian_linker() -> Result<PathBuf> {
    let sysroot = command::read_output(Command::new(DEBIAN_RUSTC).args(["--print", "sysroot"]))?;
    let host = command::read_output(Command::new(DEBIAN_RUSTC).args(["--print", "host-tuple"]))?;
    let linker = Path::new(&sysroot).join("lib/rustlib").join(host).join("bin/wasm-component-ld");
    if !linker.is_file() {
        bail!("{} is missing: reinstall rust-web-llvm", linker.display());
    }
    Ok(linker)
}

/// Turns a build into one by Debian's compiler. It has the target without a standard library, so
/// that is built along; the switch for it counts as unstable. All this reaches only this one
/// build.
fn with_debian<'a>(build: &'a mut Command, more: &[String]) -> &'a mut Command {
    let mut flags = vec!["-Clink-self-contained=no".to_owned(), format!("-Lnative={DEBIAN_LIBC}")];
    flags.extend_from_slice(more);
    build
        .args(["-Z", "build-std=std,panic_abort"])
        .env("RUSTC", DEBIAN_RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        // Cargo's separator of flags, so that paths may have spaces.
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
}

/// Copies components that have changed. A node may be running from the old file, so the new one
/// takes its place in one step.
fn publish_components(components: &[Component], from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for Component { file, .. } in components {
        let (source, place, fresh) =
            (from.join(file), to.join(file), to.join(format!("{file}.new")));
        let built = fs::read(&source).with_context(|| format!("reading {}", source.display()))?;
        if fs::read(&place).is_ok_and(|published| published == built) {
            continue;
        }
        fs::write(&fresh, built)?;
        fs::rename(&fresh, &place).with_context(|| format!("writing {}", place.display()))?;
    }
    Ok(())
}
