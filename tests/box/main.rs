//! An edge box from a stick, up to K3s' door: `k3s/box`.
//!
//! K3s, its images, Redis' and the app's are stand-ins: small files by the same names. What is
//! tested is what is put where, with which mode, and what is refused.

mod refusals;
mod templates;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{fs, str};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// Where the installer puts what K3s applies.
const MANIFESTS: &str = "var/lib/rancher/k3s/server/manifests";
const PASSWORD: &str = r#"admin:it's "$(touch here)": {{ x }} \ # no"#;

/// A workbench: stand-ins, a stick, and the root of a box.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Result<Self> {
        let bench = Self { folder: TempDir::new()? };
        fs::create_dir(bench.path("build"))?;
        for name in ["k3s", "k3s-install.sh", "build/containerd-shim-hedge-v1", "build/hedge"] {
            bench.write(name, &format!("stand-in for {name}\n"))?;
        }
        bench.write("k3s-airgap-images-amd64.tar.zst", "stand-in for K3s' images\n")?;
        let app = r#"{"manifests":[{"annotations":{"x":"localhost/hedgeschool:1"}}]}"#;
        bench.archive("build/hedgeschool.tar", "index.json", app)?;
        bench.archive("redis.tar", "manifest.json", r#"[{"RepoTags":["redis:7.2"]}]"#)?;
        bench.write("manifests.yaml", &manifests("docker.io/library/redis:7.2"))?;
        bench.write("admin", &format!("{PASSWORD}\r\n"))?;
        bench.write("token", "token of cork\n")?;
        Ok(bench)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str) -> Result<()> {
        fs::write(self.path(name), content).with_context(|| format!("write {name}"))
    }

    /// Makes an archive of one file, which says what images are in it.
    fn archive(&self, name: &str, part: &str, content: &str) -> Result<()> {
        self.write(part, content)?;
        let mut tar = Command::new("tar");
        tar.current_dir(self.folder.path()).args(["-cf", name, part]);
        ensure!(tar.status()?.success(), "{tar:?} failed");
        Ok(())
    }

    /// Runs `make-stick.sh` with all that it needs, and more.
    fn make_stick(&self, more: &[&str]) -> Result<Output> {
        let mut command = Command::new("sh");
        command.current_dir(self.folder.path()).arg(source("make-stick.sh"));
        command.args(["--k3s", "k3s", "--k3s-install", "k3s-install.sh", "--redis", "redis.tar"]);
        command.args(["--k3s-images", "k3s-airgap-images-amd64.tar.zst", "--build", "build"]);
        command.args(["--manifests", "manifests.yaml", "--arch", "amd64"]).args(more);
        Ok(command.arg("stick").output()?)
    }

    /// Runs `install.sh` of the stick into the folder `root`.
    fn install(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new("sh");
        command.current_dir(self.folder.path()).args(["stick/install.sh", "--root", "root"]);
        Ok(command.args(arguments).output()?)
    }

    /// A bench with a stick.
    fn with_stick() -> Result<Self> {
        let bench = Self::new()?;
        succeeded(&bench.make_stick(&[])?)?;
        Ok(bench)
    }

    /// A bench with a box that was installed from a stick.
    fn with_box() -> Result<Self> {
        let bench = Self::with_stick()?;
        succeeded(&bench.install(&FIRST)?)?;
        Ok(bench)
    }

    /// What the installer has put below `root`.
    fn installed(&self, name: &str) -> Result<String> {
        let path = self.path("root").join(name);
        fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
    }

    /// A value of the box's Secret.
    fn secret(&self, name: &str) -> Result<String> {
        let secret = self.installed(&format!("{MANIFESTS}/hedgeschool-3-secret.yaml"))?;
        let start = format!("  {name}: \"");
        let line = secret.lines().find_map(|line| line.strip_prefix(&start));
        let encoded = line.and_then(|rest| rest.strip_suffix('"')).context("no such secret")?;
        self.write("encoded", encoded)?;
        let decoded = Command::new("base64").arg("-d").arg(self.path("encoded")).output()?;
        Ok(String::from_utf8(decoded.stdout)?)
    }
}

/// What a box is installed with for the first time.
const FIRST: [&str; 10] = [
    "--node-id",
    "cork",
    "--admin-file",
    "admin",
    "--upstream-url",
    "https://hub.example.org:8443",
    "--upstream-token-file",
    "token",
    "--storage-limit",
    "20GB",
];

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../k3s/box").join(name)
}

/// As an overlay is rendered, with the app's image and another.
fn manifests(other: &str) -> String {
    let kinds = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: hedgeschool\n---\n\
        apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: hedgeschool\nspec:\n  \
        template:\n    spec:\n      containers:\n";
    format!("{kinds}      - image: localhost/hedgeschool:1\n      - image: {other}\n")
}

fn succeeded(output: &Output) -> Result<()> {
    ensure!(output.status.success(), "failed: {}", str::from_utf8(&output.stderr)?);
    Ok(())
}

/// Every file below a folder: its path from there, its mode, and its content.
fn files(folder: &Path) -> Result<Vec<(String, u32, Vec<u8>)>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(inside)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mode = fs::metadata(&path)?.permissions().mode() & 0o7777;
            let name = path.strip_prefix(folder)?.display().to_string();
            files.push((name, mode, fs::read(&path)?));
        }
    }
    files.sort();
    Ok(files)
}

#[test]
fn every_file_is_in_its_place_with_its_mode() -> Result<()> {
    let bench = Bench::with_box()?;
    let there = files(&bench.path("root"))?;
    let there: Vec<_> = there.iter().map(|(name, mode, _)| (name.as_str(), *mode)).collect();
    let expected = [
        ("etc/rancher/k3s/config.yaml", 0o600),
        ("etc/systemd/system/hedgeschool-net.service", 0o644),
        ("usr/local/bin/containerd-shim-hedge-v1", 0o755),
        ("usr/local/bin/hedge", 0o755),
        ("usr/local/bin/k3s", 0o755),
        ("var/lib/rancher/k3s/agent/etc/containerd/config-v3.toml.tmpl", 0o644),
        ("var/lib/rancher/k3s/agent/etc/containerd/config.toml.tmpl", 0o644),
        ("var/lib/rancher/k3s/agent/images/hedgeschool.tar", 0o644),
        ("var/lib/rancher/k3s/agent/images/k3s-airgap-images-amd64.tar.zst", 0o644),
        ("var/lib/rancher/k3s/agent/images/redis.tar", 0o644),
        ("var/lib/rancher/k3s/server/manifests/hedgeschool-1-namespace.yaml", 0o600),
        ("var/lib/rancher/k3s/server/manifests/hedgeschool-2-node.yaml", 0o600),
        ("var/lib/rancher/k3s/server/manifests/hedgeschool-3-secret.yaml", 0o600),
        ("var/lib/rancher/k3s/server/manifests/hedgeschool-4-app.yaml", 0o600),
    ];
    assert_eq!(there, expected);
    Ok(())
}

#[test]
fn the_box_has_what_it_was_given() -> Result<()> {
    let bench = Bench::with_box()?;
    let node = bench.installed(&format!("{MANIFESTS}/hedgeschool-2-node.yaml"))?;
    let values = "data:\n  node_id: \"cork\"\n  upstream_url: \"https://hub.example.org:8443\"\n  \
        storage_limit: \"20GB\"\n";
    assert!(node.ends_with(values), "{node}");
    assert_eq!(bench.secret("bootstrap_admin")?, PASSWORD);
    assert_eq!(bench.secret("upstream_token")?, "token of cork");
    assert_eq!(bench.secret("session_secret")?.len(), 43);
    let other = Bench::with_box()?;
    assert_ne!(bench.secret("session_secret")?, other.secret("session_secret")?);
    assert!(!bench.path("here").exists(), "a password was run as a command");

    let namespace = bench.installed(&format!("{MANIFESTS}/hedgeschool-1-namespace.yaml"))?;
    let app = bench.installed(&format!("{MANIFESTS}/hedgeschool-4-app.yaml"))?;
    assert!(namespace.contains("kind: Namespace") && !namespace.contains("kind: Deployment"));
    assert!(app.contains("kind: Deployment") && !app.contains("kind: Namespace"));
    Ok(())
}

#[test]
fn a_second_run_changes_nothing() -> Result<()> {
    let bench = Bench::with_box()?;
    let before = files(&bench.path("root"))?;
    let output = bench.install(&[])?;
    succeeded(&output)?;
    assert_eq!(files(&bench.path("root"))?, before);
    assert!(!str::from_utf8(&output.stdout)?.contains("write "), "{output:?}");
    Ok(())
}

#[test]
fn a_newer_stick_replaces_what_is_the_release_s_and_nothing_else() -> Result<()> {
    let bench = Bench::with_box()?;
    let before = files(&bench.path("root"))?;
    bench.write("build/hedge", "a newer one\n")?;
    fs::remove_dir_all(bench.path("stick"))?;
    succeeded(&bench.make_stick(&[])?)?;
    succeeded(&bench.install(&[])?)?;
    let after = files(&bench.path("root"))?;
    let changed: Vec<_> = after.iter().filter(|file| !before.contains(file)).collect();
    assert_eq!(changed, [&("usr/local/bin/hedge".to_owned(), 0o755, b"a newer one\n".to_vec())]);
    Ok(())
}

#[test]
fn a_dry_run_writes_nothing() -> Result<()> {
    let bench = Bench::with_stick()?;
    let arguments = [&FIRST[..], &["--dry-run"]].concat();
    let output = bench.install(&arguments)?;
    succeeded(&output)?;
    assert!(str::from_utf8(&output.stdout)?.contains("would write /usr/local/bin/k3s\n"));
    assert!(!bench.path("root").exists());
    Ok(())
}

#[test]
fn a_stick_has_no_secret_and_a_sum_of_every_file() -> Result<()> {
    let bench = Bench::with_stick()?;
    let stick = files(&bench.path("stick"))?;
    let sums = fs::read_to_string(bench.path("stick/SHA256SUMS"))?;
    let sums: Vec<_> = sums.lines().filter_map(|line| line.split_once("  ")).collect();
    assert_eq!(sums.len(), stick.len() - 1, "all but the sums themselves");
    for (name, _, content) in &stick {
        assert!(name == "SHA256SUMS" || sums.iter().any(|(_, it)| it == name), "{name}");
        let text = String::from_utf8_lossy(content);
        assert!(!text.contains("token of cork") && !text.contains("kind: Secret\ndata"), "{name}");
    }
    Ok(())
}

#[test]
fn the_installer_waits_for_what_the_manifests_make() -> Result<()> {
    let installer = fs::read_to_string(source("install.sh"))?;
    let manifest = fs::read_to_string(source("../components/hedge/deployment.yaml"))?;
    assert!(manifest.contains("\nkind: Deployment\nmetadata:\n  name: hedgeschool\n"));
    let named = |word: &&str| word.ends_with("/hedgeschool") && !word.contains("/var/");
    let workloads: Vec<_> = installer.split_whitespace().filter(named).collect();
    assert_eq!(workloads, ["deployment/hedgeschool"; 3]);
    Ok(())
}

#[test]
fn scripts_are_clean() -> Result<()> {
    if Command::new("shellcheck").arg("--version").output().is_err() {
        eprintln!("left out: there is no shellcheck (Debian's package of that name)");
        return Ok(());
    }
    let mut command = Command::new("shellcheck");
    let output = command.args([source("make-stick.sh"), source("install.sh")]).output()?;
    ensure!(output.status.success(), "{}", str::from_utf8(&output.stdout)?);
    Ok(())
}
