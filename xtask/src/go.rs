//! Programs built from Go modules.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command::{is_installed, read_output, run_unseen};
use crate::progress::Steps;

/// The oldest Go that builds them.
const GO_MINOR: u32 = 24;

/// Programs of one module.
pub struct Part {
    /// What it is called here.
    pub name: &'static str,
    /// The module's path.
    pub module: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The packages of the programs, below the module's path; `.`: the module itself.
    pub packages: &'static [&'static str],
    /// Build tags.
    pub tags: &'static str,
    /// Variables of the programs, as the linker sets them.
    pub variables: &'static [(&'static str, &'static str)],
    /// The version of modules that it has beside itself when it is developed, and for which its
    /// own `go.mod` says v0.0.0.
    pub staging: Option<&'static str>,
    /// A folder of the module that is kept beside its programs, under its last name.
    pub folder: Option<&'static str>,
}

impl Part {
    /// Where its programs are.
    pub fn folder_in(&self, all: &Path) -> PathBuf {
        all.join(format!("{}-{}", self.name, self.version))
    }

    /// Whether all of them are there.
    pub fn is_built(&self, all: &Path) -> bool {
        let place = self.folder_in(all);
        self.package_paths().all(|path| place.join(program_name(&path)).is_file())
    }

    /// Builds them, unless that was done before.
    pub fn build(&self, all: &Path, steps: &mut Steps) -> Result<()> {
        if self.is_built(all) {
            return Ok(());
        }
        check_go()?;
        let title = format!("building {} {} from its Go module", self.name, self.version);
        steps.step(&title, "look at what Go says above", || self.compile_programs(all))
    }

    fn compile_programs(&self, all: &Path) -> Result<()> {
        let (place, module) = (self.folder_in(all), all.join("modules").join(self.name));
        fs::create_dir_all(&module)?;
        fs::write(module.join("go.mod"), format!("module programs\n\ngo 1.{GO_MINOR}\n"))?;
        if let Some(version) = self.staging {
            self.replace_staging(&module, version)?;
        }
        let paths: Vec<_> = self.package_paths().collect();
        let versions = paths.iter().map(|path| format!("{path}@{}", self.version));
        run_unseen(go_command(&module).arg("get").args(versions))?;
        // What a build that was interrupted has left is no program.
        let fresh = module.join("bin");
        let set = self.variables.iter().map(|(name, value)| format!(" -X {name}={value}"));
        let linker = format!("-ldflags=-s -w{}", set.collect::<String>());
        let mut build = go_command(&module);
        build.args(["build", "-trimpath", "-tags", self.tags, linker.as_str(), "-o"]);
        run_unseen(build.arg(format!("{}/", fresh.display())).args(&paths))?;
        fs::create_dir_all(&place)?;
        if let Some(folder) = self.folder {
            let from = Path::new(&self.ask_downloaded(&module, "Dir")?).join(folder);
            copy_files(&from, &place.join(program_name(folder)))?;
        }
        for path in &paths {
            fs::rename(fresh.join(program_name(path)), place.join(program_name(path)))?;
        }
        Ok(())
    }

    /// What Go says of the module that it has downloaded.
    fn ask_downloaded(&self, module: &Path, key: &str) -> Result<String> {
        let wanted = format!("{}@{}", self.module, self.version);
        let answer = read_output(go_command(module).args(["mod", "download", "-json", &wanted]))?;
        let answer: Value = serde_json::from_str(&answer)?;
        let value = answer.get(key).and_then(Value::as_str);
        value.map(str::to_owned).with_context(|| format!("no {key}"))
    }

    fn package_paths(&self) -> impl Iterator<Item = String> {
        self.packages.iter().map(|package| match *package {
            "." => self.module.to_owned(),
            package => format!("{}/{package}", self.module),
        })
    }

    /// Has each module that its own `go.mod` gives no version use this one.
    fn replace_staging(&self, module: &Path, version: &str) -> Result<()> {
        let go_mod = self.ask_downloaded(module, "GoMod")?;
        let text = fs::read_to_string(&go_mod).with_context(|| go_mod.clone())?;
        let mut edit = go_command(module);
        edit.args(["mod", "edit"]);
        for other in unversioned_modules(&text) {
            edit.arg(format!("-replace={other}={other}@{version}"));
        }
        run_unseen(&mut edit)
    }
}

/// Builds a program of the sources in a folder.
pub fn build_in(folder: &Path, program: &str, package: &str) -> Result<()> {
    check_go()?;
    run_unseen(go_command(folder).args([
        "build",
        "-trimpath",
        "-ldflags=-s -w",
        "-o",
        program,
        package,
    ]))
}

/// The modules of which a `go.mod` says that they have no version.
fn unversioned_modules(go_mod: &str) -> impl Iterator<Item = &str> {
    go_mod.lines().filter_map(|line| line.trim().strip_suffix(" v0.0.0"))
}

/// The program that a package is built into. A number at the end is that of its module's version.
fn program_name(path: &str) -> &str {
    let is_number = |name: &&str| {
        name.strip_prefix('v').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    path.rsplit('/').find(|name| !is_number(name)).unwrap_or(path)
}

/// Copies the files of a folder.
fn copy_files(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        // What Go downloads may not be written to; a copy may.
        fs::write(to.join(entry.file_name()), fs::read(entry.path())?)?;
    }
    Ok(())
}

fn go_command(folder: &Path) -> Command {
    let mut go = Command::new("go");
    go.current_dir(folder).env("CGO_ENABLED", "0").env("GOTOOLCHAIN", "local");
    go
}

fn check_go() -> Result<()> {
    let wanted = format!("Go 1.{GO_MINOR} or newer");
    if !is_installed("go") {
        bail!("there is no `go`: install {wanted}");
    }
    let version = read_output(Command::new("go").args(["env", "GOVERSION"]))?;
    let minor = minor_version(&version).with_context(|| format!("Go's version {version:?}"))?;
    if minor < GO_MINOR {
        bail!("{version} is too old: install {wanted}");
    }
    Ok(())
}

/// The second number of `go1.26.8`.
fn minor_version(version: &str) -> Option<u32> {
    version.strip_prefix("go1.")?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_go_is_read() {
        assert_eq!(minor_version("go1.26.8"), Some(26));
        assert_eq!(minor_version("go1.24"), Some(24));
        assert_eq!(minor_version("devel"), None);
    }

    #[test]
    fn a_program_is_not_called_by_its_modules_version() {
        assert_eq!(program_name("github.com/open-policy-agent/gatekeeper/v3"), "gatekeeper");
        assert_eq!(program_name("github.com/open-policy-agent/gatekeeper/v3/cmd/gator"), "gator");
        assert_eq!(program_name("example.org/tools/vet"), "vet");
    }

    #[test]
    fn modules_without_a_version_are_found() {
        let text = "require (\n\tk8s.io/api v0.0.0\n\tk8s.io/utils v0.0.0-2025\n\tother v1.2.3\n)";
        assert_eq!(unversioned_modules(text).collect::<Vec<_>>(), ["k8s.io/api"]);
    }
}
