//! Databases, the app's own files, backups.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Node, free_port, is_own_host, repository};
use rusqlite::Connection;
use tempfile::TempDir;

use super::{start, stopped};

const PAGE_BYTES: u64 = 4096;
/// Bytes of a log that nobody empties.
const LONG_LOG: &str = "280000000";

/// A stopped node, and one of its databases.
fn node_and(database: &str) -> Result<(Node, std::path::PathBuf)> {
    let node = stopped(Node::builder()?)?;
    let file = node.folder().join(database);
    Ok((node, file))
}

#[test]
fn a_damaged_page() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let (node, file) = node_and("progress.db")?;
    let database = fs::OpenOptions::new().write(true).open(&file)?;
    let pages = database.metadata()?.len() / PAGE_BYTES;
    ensure!(pages > 8, "only {pages} pages");
    for page in 4..8 {
        database.write_all_at(&[0xff; 200], page * PAGE_BYTES)?;
    }
    drop(database);
    node.doctor().expect_wrong("databases", "progress.db is damaged")
}

#[test]
fn a_file_that_is_no_database() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let (node, file) = node_and("identity.db")?;
    fs::write(file, "what an editor has made of it, and saved: ".repeat(100))?;
    node.doctor().expect_wrong("databases", "identity.db does not open as a database")
}

#[test]
fn a_database_of_another_program() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let (node, file) = node_and("content.db")?;
    Connection::open(file)?.pragma_update(None, "application_id", 0x1234)?;
    node.doctor().expect_wrong("databases", "content.db is a database of another program")
}

#[test]
fn a_database_that_is_gone() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let (node, file) = node_and("identity.db")?;
    fs::remove_file(file)?;
    node.doctor().expect_wrong("databases", "1 of the node's databases is missing")
}

#[test]
fn a_database_of_a_later_release() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    for name in ["content", "identity", "progress"] {
        let (node, file) = node_and(&format!("{name}.db"))?;
        Connection::open(file)?.pragma_update(None, "user_version", 99)?;
        node.doctor().expect_wrong("schema", "A later release wrote")?;
    }
    Ok(())
}

#[test]
fn a_database_without_a_write_ahead_log() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let (node, file) = node_and("progress.db")?;
    Connection::open(file)?.pragma_update(None, "journal_mode", "DELETE")?;
    node.doctor().expect_wrong("journal-mode", "progress.db has no write-ahead log")
}

#[test]
fn a_log_that_is_not_emptied() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let (node, file) = node_and("progress.db")?;
    let elsewhere = TempDir::new_in(repository("target"))?;
    let copy = elsewhere.path().join("progress.db");
    fs::copy(&file, &copy)?;
    let database = Connection::open(&copy)?;
    database.execute_batch(&format!(
        "PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=OFF;
        CREATE TABLE large AS SELECT zeroblob({LONG_LOG}) AS x;"
    ))?;
    // As a process that was killed leaves them.
    for ending in ["", "-wal"] {
        let name = format!("progress.db{ending}");
        fs::copy(elsewhere.path().join(&name), node.folder().join(&name))?;
    }
    drop(database);
    node.doctor().expect_wrong("wal", "progress.db has 28")
}

#[test]
fn files_that_the_node_may_not_write() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let (node, file) = node_and("progress.db")?;
    let mode = fs::metadata(&file)?.permissions().mode();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444))?;
    node.doctor().expect_wrong("permissions", "cannot be written by its owner: its mode is 444")?;
    fs::set_permissions(&file, fs::Permissions::from_mode(mode))?;
    node.doctor().expect_nothing()?;
    // Only root gives files away.
    if rustix::process::getuid().is_root() {
        chown(&file, Some(12_345), None)?;
        node.doctor().expect_wrong("permissions", "belongs to user 12345")?;
    }
    Ok(())
}

/// A manifest in a folder of its own, whose paths lead here, with something changed.
fn manifest(folder: &Path, from: &str, to: &str) -> Result<std::path::PathBuf> {
    let text = fs::read_to_string(repository("spin.toml"))?;
    ensure!(text.contains(from), "spin.toml has no {from}");
    let here = format!("\"{}/target/", repository("").display());
    let text = text.replace(from, to).replace("\"target/", &here);
    let path = folder.join("spin.toml");
    fs::write(&path, text)?;
    Ok(path)
}

const STORE: &str = "target/wasm32-wasip2/release/hedgeschool_progress_store.wasm";

/// A manifest whose progress store is another file.
fn with_store(folder: &TempDir, bytes: Option<&[u8]>) -> Result<hedgeschool_tests::Doctor> {
    let store = folder.path().join("store.wasm");
    if let Some(bytes) = bytes {
        fs::write(&store, bytes)?;
    }
    let manifest = manifest(folder.path(), STORE, &store.display().to_string())?;
    Ok(Node::builder()?.on_disk()?.manifest(&manifest).doctor(free_port()?))
}

#[test]
fn components_that_are_missing_cut_off_or_of_another_release() -> Result<()> {
    let folder = TempDir::new()?;
    with_store(&folder, None)?.expect_wrong("components", "store.wasm cannot be read")?;
    let whole = fs::read(repository(STORE))?;
    let half = whole.get(..whole.len() / 2);
    with_store(&folder, half)?.expect_wrong("components", "is no whole component")?;
    with_store(&folder, Some(b""))?.expect_wrong("components", "is no whole component")?;
    with_store(&folder, Some(&whole))?.expect_nothing()?;
    // The file says of which release it is.
    let release = env!("CARGO_PKG_VERSION").as_bytes();
    let mark = [&b"hedge-storeprogress"[..], &[0; 16], release].concat();
    let at = whole.windows(mark.len()).position(|window| window == mark);
    let at = at.context("the store does not describe itself")? + mark.len() - release.len();
    let mut older = whole;
    older[at] = b'9';
    with_store(&folder, Some(&older))?.expect_warning("components", "are of release 9")
}

#[test]
fn a_manifest_that_does_not_read() -> Result<()> {
    let folder = TempDir::new()?;
    let broken = manifest(folder.path(), "component = \"players\"", "component = \"nobody\"")?;
    let doctor = Node::builder()?.on_disk()?.manifest(&broken).doctor(free_port()?);
    doctor.expect_wrong("manifest", "names component \"nobody\"")
}

#[test]
fn backups_that_are_old_damaged_or_none() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let node = start(Node::builder()?)?;
    let folder = TempDir::new()?;
    let backup = folder.path().join("backup");
    let doctor = || node.doctor().argument(&format!("--backup={}", backup.display()));
    doctor().expect_wrong("backup", "is no backup made by")?;
    let made = Command::new(repository("target/host/hedge"))
        .args(["backup", "--to"])
        .arg(&backup)
        .arg("--runtime-config-file")
        .arg(repository("runtime-config.toml"))
        .arg("--state-dir")
        .arg(node.folder())
        .status()?;
    ensure!(made.success());
    ensure!(doctor().expect_nothing()?.is_in_order("backup"));
    let manifest = backup.join("manifest.json");
    let text = fs::read_to_string(&manifest)?;
    let made_at = text.split("\"made_at\": \"").nth(1).and_then(|rest| rest.split('"').next());
    let made_at = made_at.context("no made_at")?;
    fs::write(&manifest, text.replace(made_at, "2020-02-02T02:02:02Z"))?;
    doctor().expect_warning("backup", "The last backup is")?;
    fs::write(&manifest, &text)?;
    let file = backup.join("sqlite_database.progress.db");
    let copy = fs::OpenOptions::new().write(true).open(&file)?;
    copy.write_all_at(b"x", PAGE_BYTES + 100)?;
    doctor().expect_wrong("backup", "it is damaged")
}
