//! containerd reads what K3s makes of the templates, and knows the runtime.
//!
//! K3s renders them by Go's templates; here its base is replaced by the few lines that matter. A
//! table in the wrong place is no error for containerd, which leaves it out: so the runtime is
//! looked for in what containerd says that it has read.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, str};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::source;

const BASE: &str = r#"{{ template "base" . }}"#;

/// Renders a template, and gives what a containerd has read of it.
fn read_by(containerd: &Path, template: &str, base: &str) -> Result<String> {
    let text = fs::read_to_string(source(template))?;
    ensure!(text.matches(BASE).count() == 1, "{template} extends K3s' base once");
    let rendered = text.replace(BASE, base);
    ensure!(!rendered.contains("{{"), "{template} asks for more of K3s than its base");
    let folder = TempDir::new()?;
    let config = folder.path().join("config.toml");
    fs::write(&config, rendered)?;
    let mut command = Command::new(containerd);
    let output = command.arg("--config").arg(&config).args(["config", "dump"]).output()?;
    ensure!(output.status.success(), "{template}: {}", str::from_utf8(&output.stderr)?);
    Ok(String::from_utf8(output.stdout)?.replace('\'', "\""))
}

/// The runtime types in the table of a runtime.
fn runtime_type(dump: &str, table: &str) -> Option<String> {
    let mut lines = dump.lines().map(str::trim).skip_while(|line| *line != format!("[{table}]"));
    lines.next()?;
    let mut inside = lines.take_while(|line| !line.starts_with('['));
    let found = inside.find_map(|line| line.strip_prefix("runtime_type = "))?;
    Some(found.trim_matches('"').to_owned())
}

#[test]
fn containerd_1_knows_the_runtime() -> Result<()> {
    let Ok(version) = Command::new("containerd").arg("--version").output() else {
        eprintln!("left out: there is no containerd (Debian's package of that name)");
        return Ok(());
    };
    let version = String::from_utf8(version.stdout)?;
    if !version.contains(" 1.") {
        eprintln!("left out: this is no containerd 1: {version}");
        return Ok(());
    }
    let plugin = r#"plugins."io.containerd.grpc.v1.cri".containerd.runtimes"#;
    let base = format!("version = 2\n[{plugin}.runc]\n  runtime_type = \"io.containerd.runc.v2\"");
    let dump = read_by(Path::new("containerd"), "config.toml.tmpl", &base)?;
    let found = runtime_type(&dump, &format!("{plugin}.hedge"));
    assert_eq!(found.as_deref(), Some("io.containerd.hedge.v1"));
    assert!(runtime_type(&dump, &format!("{plugin}.runc")).is_some(), "the base's was lost");
    Ok(())
}

#[test]
fn containerd_2_knows_the_runtime() -> Result<()> {
    let Some(folder) = env::var_os("HEDGE_TEST_CONTAINERD").map(PathBuf::from) else {
        eprintln!("left out: HEDGE_TEST_CONTAINERD names no folder with a containerd 2");
        return Ok(());
    };
    let containerd = folder.join("containerd");
    let plugin = r#"plugins."io.containerd.cri.v1.runtime".containerd.runtimes"#;
    let base = format!("version = 3\n[{plugin}.runc]\n  runtime_type = \"io.containerd.runc.v2\"");
    let dump = read_by(&containerd, "config-v3.toml.tmpl", &base).context("version 3")?;
    let found = runtime_type(&dump, &format!("{plugin}.hedge"));
    assert_eq!(found.as_deref(), Some("io.containerd.hedge.v1"));
    assert!(runtime_type(&dump, &format!("{plugin}.runc")).is_some(), "the base's was lost");
    Ok(())
}
