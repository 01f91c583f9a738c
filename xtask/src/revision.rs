//! Another revision of this repository, built beside today's tree: what today's is compared with.
//!
//! Each has a Git worktree in `target/against`, named by its commit, and everything in it where
//! today's tree has it: `spin.toml`, `target/host/hedge`, components. Once built it stays, until
//! `target` is removed. What builds it is this xtask; how, its own `Cargo.toml` and
//! `.cargo/config.toml` decide.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, ensure};

use crate::cargo::{cargo, run_build};
use crate::command;
use crate::debian::{self, Need};
use crate::guest::Toolchain;
use crate::progress::step;
use crate::workspace;

/// Where the worktrees are, below the repository's folder.
const FOLDER: &str = "target/against";
/// Digits of a commit that name its worktree.
const NAME_DIGITS: usize = 12;
/// A file that says, in the folder of a revision, that it has been built to the end.
const BUILT: &str = "target/built";
/// One that says so of its components alone.
const BUILT_COMPONENTS: &str = "target/built-components";
/// What to do if it does not build.
const ADVICE: &str = "a revision that does not build cannot be compared with: choose another one";

/// Builds a revision, unless it has been built before; answers the folder that is its root. A
/// revision is whatever Git takes for one: `v0.1.0`, `main~3`, `d867405`.
pub fn build_revision(root: &Path, revision: &str) -> Result<PathBuf> {
    let tree = build_components(root, revision)?;
    if !tree.join(BUILT).is_file() {
        step(&format!("building the host of {revision}"), ADVICE, || build_host(root, &tree))?;
        fs::write(tree.join(BUILT), revision)?;
    }
    Ok(tree)
}

/// Builds a revision's components only, for a host of today.
pub fn build_components(root: &Path, revision: &str) -> Result<PathBuf> {
    debian::ensure(&[Need::program("git", &["git"], "another revision, which Git has")])?;
    let commit = resolve_commit(root, revision)?;
    let name = commit.get(..NAME_DIGITS).unwrap_or(&commit);
    let tree = root.join(FOLDER).join(name);
    if [BUILT, BUILT_COMPONENTS].iter().any(|mark| tree.join(mark).is_file()) {
        return Ok(tree);
    }
    let title = if commit.starts_with(revision) { name } else { &format!("{revision} ({name})") };
    step(&format!("checking {title} out"), ADVICE, || check_out(root, &commit, &tree))?;
    step(&format!("building the components of {title}"), ADVICE, || build_guests(&tree))?;
    fs::write(tree.join(BUILT_COMPONENTS), &commit)?;
    Ok(tree)
}

/// The commit that a revision is.
fn resolve_commit(root: &Path, revision: &str) -> Result<String> {
    ensure!(
        ask_git(git(root).args(["rev-parse", "--git-dir"]))?.is_some(),
        "{} is not a Git checkout, so there is no other revision to build: clone the repository",
        root.display()
    );
    let commit = format!("{revision}^{{commit}}");
    let commit = ask_git(git(root).args(["rev-parse", "--verify", "--end-of-options", &commit]))?;
    commit.with_context(|| {
        format!(
            "Git knows no revision {revision}: name a commit, tag or branch (`git log --all`), or \
             get it first (`git fetch --tags`, in a shallow clone with --unshallow)"
        )
    })
}

/// Makes the worktree, or mends one that is not as it should be.
fn check_out(root: &Path, commit: &str, tree: &Path) -> Result<()> {
    // Forgets worktrees whose folder has gone with `target`.
    command::run(git(root).args(["worktree", "prune"]))?;
    if is_worktree(tree)? {
        // An earlier run may have ended in the middle.
        let checkout = ["checkout", "--quiet", "--force", "--detach", commit];
        return command::run(git(tree).args(checkout));
    }
    if tree.exists() {
        fs::remove_dir_all(tree).with_context(|| format!("removing {}", tree.display()))?;
    }
    let add = ["worktree", "add", "--quiet", "--detach"];
    command::run(git(root).args(add).arg(tree).arg(commit))
}

/// Whether a folder is the root of a worktree, and not just somewhere in today's.
fn is_worktree(folder: &Path) -> Result<bool> {
    if !folder.join(".git").exists() {
        return Ok(false);
    }
    let top = ask_git(git(folder).args(["rev-parse", "--show-toplevel"]))?;
    Ok(top.is_some_and(|top| Path::new(&top).canonicalize().ok() == folder.canonicalize().ok()))
}

/// Builds the components, in a target folder of their own.
fn build_guests(tree: &Path) -> Result<()> {
    let manifest = tree.join("Cargo.toml");
    let components = workspace::find_components(&manifest, &tree.join("components"))?;
    Toolchain::choose()?.build(&manifest, &components, &tree.join("target/guest"))
}

/// Builds the host. Cargo takes its settings from where it is run.
fn build_host(root: &Path, tree: &Path) -> Result<()> {
    let mut build = cargo();
    build.args(["build", "--profile", "host", "--package", "hedge", "--bin", "hedge"]);
    build.arg("--manifest-path").arg(tree.join("Cargo.toml"));
    build.arg("--target-dir").arg(tree.join("target")).current_dir(tree);
    let [today, then] = [root, tree].map(|folder| {
        read_settings(&fs::read_to_string(folder.join(".cargo/config.toml")).unwrap_or_default())
    });
    for (name, value) in changed_settings(&today, &then, |name| env::var(name).ok()) {
        match value {
            Some(value) => build.env(name, value),
            None => build.env_remove(name),
        };
    }
    run_build("host", &mut build)
}

/// The environment that `.cargo/config.toml` sets: the lines `NAME = "value"` below `[env]`.
fn read_settings(config: &str) -> Vec<(String, String)> {
    let lines = config.lines().skip_while(|line| line.trim() != "[env]").skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    let pairs = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.trim().into(), value.trim().trim_matches('"').into())).collect()
}

/// What has to change in this process's environment for a revision's build; None is to be removed.
/// Cargo has set today's settings for this process, where they outweigh what the revision has for
/// them; and as its worktree is in today's tree, it would inherit what it has not. What somebody
/// set by hand stays, for both builds.
fn changed_settings<'a>(
    today: &'a [(String, String)],
    then: &[(String, String)],
    environment: impl Fn(&str) -> Option<String>,
) -> Vec<(&'a str, Option<&'static str>)> {
    let ours = today.iter().filter(|(name, value)| environment(name).is_none_or(|v| v == *value));
    let has = |name: &str| then.iter().any(|(other, _)| other == name);
    ours.map(|(name, _)| (name.as_str(), (!has(name)).then_some(""))).collect()
}

/// Git, in this folder.
fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder);
    git
}

/// What a command prints, trimmed; None when it fails, whose reason is not shown.
fn ask_git(command: &mut Command) -> Result<Option<String>> {
    let output = command.stderr(Stdio::null()).output().context("starting git")?;
    Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_those_of_the_environment() {
        let config =
            "[alias]\nx = \"r\"\n[env]\n# A = \"1\"\nB = \"-DX=1 -DY\"\n[build]\nC = \"2\"";
        assert_eq!(read_settings(config), [("B".to_owned(), "-DX=1 -DY".to_owned())]);
        assert!(read_settings("[build]\njobs = 1").is_empty());
    }

    #[test]
    fn todays_settings_do_not_reach_another_revision() {
        let pairs = |text: &str| read_settings(&format!("[env]\n{text}"));
        let (today, then) = (pairs("A = \"1\"\nB = \"2\"\nC = \"3\""), pairs("A = \"9\""));
        let environment = |name: &str| match name {
            "A" => Some("1".to_owned()),
            "B" => None,
            _ => Some("by hand".to_owned()),
        };
        assert_eq!(changed_settings(&today, &then, environment), [("A", None), ("B", Some(""))]);
    }
}
