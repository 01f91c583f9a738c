//! What `cargo xtask test --cluster` needs beyond Debian's packages: programs in Go, built from
//! their modules into `target/cluster`, and kept there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{is_installed, read, run_unseen};
use crate::progress::Steps;

/// Where the programs are, below the repository's folder.
const FOLDER: &str = "target/cluster";
/// containerd 2: its module, its version and the programs of it.
const MODULE: &str = "github.com/containerd/containerd/v2";
const VERSION: &str = "v2.2.9";
const PROGRAMS: [&str; 3] = ["containerd", "ctr", "containerd-shim-runc-v2"];
/// Snapshotters that need libraries of C.
const TAGS: &str = "no_btrfs,no_devmapper,no_zfs";
/// The oldest Go that builds it.
const GO_MINOR: u32 = 24;

fn folder(root: &Path) -> PathBuf {
    root.join(FOLDER).join(format!("containerd-{VERSION}"))
}

/// Whether containerd 2 has been built.
pub fn has_containerd(root: &Path) -> bool {
    PROGRAMS.iter().all(|program| folder(root).join(program).is_file())
}

/// Builds containerd 2, unless it has been before; answers the folder of its programs.
pub fn containerd(root: &Path, steps: &mut Steps) -> Result<PathBuf> {
    let folder = folder(root);
    if has_containerd(root) {
        return Ok(folder);
    }
    check_go()?;
    let title = format!("building containerd {VERSION} from its Go module");
    steps.step(&title, "look at what Go says above", || {
        let module = root.join(FOLDER).join("module");
        fs::create_dir_all(&module)?;
        if !module.join("go.mod").exists() {
            run_unseen(go(&module).args(["mod", "init", "cluster"]))?;
        }
        let paths: Vec<_> = PROGRAMS.iter().map(|it| format!("{MODULE}/cmd/{it}")).collect();
        let versions = paths.iter().map(|path| format!("{path}@{VERSION}"));
        run_unseen(go(&module).arg("get").args(versions))?;
        fs::create_dir_all(&folder)?;
        // What a build that was interrupted has left is no program.
        let fresh = module.join("bin");
        let build = ["build", "-trimpath", "-ldflags=-s -w", "-tags", TAGS, "-o"];
        run_unseen(go(&module).args(build).arg(format!("{}/", fresh.display())).args(&paths))?;
        for program in PROGRAMS {
            fs::rename(fresh.join(program), folder.join(program))?;
        }
        Ok(())
    })?;
    Ok(folder)
}

fn go(folder: &Path) -> Command {
    let mut go = Command::new("go");
    go.current_dir(folder).env("CGO_ENABLED", "0").env("GOTOOLCHAIN", "local");
    go
}

fn check_go() -> Result<()> {
    let wanted = format!("Go 1.{GO_MINOR} or newer, for containerd 2");
    if !is_installed("go") {
        bail!("there is no `go`: install {wanted}");
    }
    let version = read(Command::new("go").args(["env", "GOVERSION"]))?;
    let minor = minor(&version).with_context(|| format!("Go's version {version:?}"))?;
    if minor < GO_MINOR {
        bail!("{version} is too old: install {wanted}");
    }
    Ok(())
}

/// The second number of `go1.26.8`.
fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("go1.")?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_go_is_read() {
        assert_eq!(minor("go1.26.8"), Some(26));
        assert_eq!(minor("go1.24"), Some(24));
        assert_eq!(minor("devel"), None);
    }
}
