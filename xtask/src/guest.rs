//! Building WebAssembly components with whichever toolchain this machine has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::command::{self, cargo};
use crate::debian::{self, Need};
use crate::progress;
use crate::workspace::Component;

/// What the line about builds calls them.
const LABEL: &str = "components";
/// What the components are built for.
const TARGET: &str = "wasm32-wasip2";
/// Debian's compiler, beside rustup's.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// Debian's packages for this target; the linker's name depends on their version.
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "rust-web-src", "rust-web-llvm", "wasi-libc"];
/// A link to the linker that Debian's compiler wants, named like the package that brings it.
const DEBIAN_LINKER_LINK: &str = "/usr/bin/rust-lld";
/// Where Debian's wasi-libc is.
const DEBIAN_LIBC: &str = "/usr/lib/wasm32-wasi";

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
        if has_rustup_target()? {
            return Ok(Self::Rustup);
        }
        let purpose = "WebAssembly components";
        debian::ensure(&[Need::packages(&DEBIAN_PACKAGES, purpose)])?;
        debian::ensure(&[Need::packages(&[&linker_package()?], purpose)])?;
        Ok(Self::Debian { linker: debian_linker()? })
    }

    /// Looks whether there is a toolchain, or can be one. At once: better said before a build.
    pub fn check() -> Result<()> {
        let is_there = has_rustup_target()? || Path::new(DEBIAN_LINKER_LINK).exists();
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
        let mut build = cargo();
        build.args(["build", "--release", "--target", TARGET, "--manifest-path"]).arg(manifest);
        build.args(components.iter().flat_map(|component| ["--package", &component.package]));
        let Self::Debian { linker } = self else { return progress::build(LABEL, &mut build) };
        let build = with_debian(&mut build, linker);
        progress::build(LABEL, build.arg("--target-dir").arg(shared_target))?;
        let built = shared_target.join(TARGET).join("release");
        let home = manifest.parent().context("a manifest is in a folder")?;
        publish(components, &built, &home.join("target").join(TARGET).join("release"))
    }
}

/// Whether the active toolchain has the target's standard library.
fn has_rustup_target() -> Result<bool> {
    let print = ["--print", "target-libdir", "--target", TARGET];
    let folder = command::read(Command::new("rustc").args(print))?;
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
    let sysroot = command::read(Command::new(DEBIAN_RUSTC).args(["--print", "sysroot"]))?;
    let host = command::read(Command::new(DEBIAN_RUSTC).args(["--print", "host-tuple"]))?;
    let linker = Path::new(&sysroot).join("lib/rustlib").join(host).join("bin/wasm-component-ld");
    if !linker.is_file() {
        bail!("{} is missing: reinstall rust-web-llvm", linker.display());
    }
    Ok(linker)
}

/// Turns a build into one by Debian's compiler. It has the target without a standard library, so
/// that is built along; the switch for it counts as unstable. All this reaches only this one
/// build.
fn with_debian<'a>(build: &'a mut Command, linker: &Path) -> &'a mut Command {
    let flags = [
        "-Clink-self-contained=no".to_owned(),
        format!("-Lnative={DEBIAN_LIBC}"),
        format!("-Clinker={}", linker.display()),
    ];
    build
        .args(["-Z", "build-std=std,panic_abort"])
        .env("RUSTC", DEBIAN_RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        // Cargo's separator of flags, so that paths may have spaces.
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
}

/// Copies components that have changed. A node may be running from the old file, so the new one
/// takes its place in one step.
fn publish(components: &[Component], from: &Path, to: &Path) -> Result<()> {
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
