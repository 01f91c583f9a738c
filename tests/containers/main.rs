//! The containerd shim, under a real containerd: Debian's 1.6, or the one in
//! `HEDGE_TEST_CONTAINERD`.
//!
//! It takes root. Without, and without a containerd, each test says that it was left out.

mod ends;
mod faults;
mod image;
mod isolation;
mod pods;
mod serving;
mod verifier;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, fs};

use anyhow::Result;
use hedgeschool_tests::containerd::{self, Builder, Containerd};
use hedgeschool_tests::repository;

/// What the app's image is called.
const IMAGE: &str = "localhost/hedge-test:1";

/// Runs a test in a containerd of its own, if there can be one.
fn with_containerd(test: impl FnOnce(&mut Containerd) -> Result<()>) -> Result<()> {
    if !rustix::process::getuid().is_root() {
        eprintln!("left out: containers take root");
        return Ok(());
    }
    let programs = env::var_os("HEDGE_TEST_CONTAINERD").map(PathBuf::from);
    let mut containerd = Containerd::start_of(programs.as_deref())?;
    test(&mut containerd)
}

/// The same, with the app's image in it. Nothing of its containers may be left in the end.
fn with_image(test: impl FnOnce(&mut Containerd) -> Result<()>) -> Result<()> {
    with_containerd(|containerd| {
        containerd.import(&archive()?)?;
        test(containerd)?;
        containerd.await_nothing_left()
    })
}

/// The archive of the app's image, which is made once.
fn archive() -> Result<PathBuf> {
    static ARCHIVE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let made = ARCHIVE.get_or_init(|| {
        let manifest = repository("spin.toml");
        pack(&manifest, "app", IMAGE, &[]).map_err(|error| format!("{error:#}"))
    });
    made.clone().map_err(anyhow::Error::msg)
}

/// Makes an image of an app in a folder of the build.
fn pack(manifest: &Path, folder: &str, reference: &str, more: &[&str]) -> Result<PathBuf> {
    let output = repository("target/tmp/images").join(folder);
    // Of an earlier run.
    let _ = fs::remove_dir_all(&output);
    fs::create_dir_all(&output)?;
    containerd::pack(manifest, &output, reference, more)
}

/// A container of the app's image.
fn app<'a>(containerd: &'a Containerd, id: &str) -> Builder<'a> {
    containerd.container(IMAGE, id)
}
