//! An app in a container serves, and does what its pod says.

use std::fs;

use anyhow::{Result, ensure};
use hedgeschool_tests::{course, statement};
use rustix::fs::{Gid, Uid, chown};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::{app, with_image};

/// The user of a pod that is nobody.
const NOBODY: u32 = 65532;

/// A folder that a pod's user may write to.
fn volume(user: u32) -> Result<TempDir> {
    let folder = TempDir::new()?;
    chown(folder.path(), Some(Uid::from_raw(user)), Some(Gid::from_raw(user)))?;
    Ok(folder)
}

#[test]
fn a_course_is_imported_and_statements_are_recorded() -> Result<()> {
    with_image(|containerd| {
        let volume = volume(NOBODY)?;
        let app = app(containerd, "school").mount(volume.path(), "/.spin", "rw");
        let mut served = app.serve()?;
        let package = course::package("https://example.org/course", "A course")?;
        let zip = Some(("application/zip", package.as_slice()));
        served.admin().send(http::Method::POST, course::COURSES, zip)?.expect(201)?;
        let id = statement::new_id();
        statement::post(&served.xapi(), &id)?;
        statement::read(&served.xapi(), &id)?;
        served.end(containerd)?;
        ensure!(volume.path().join("progress.db").is_file(), "state is not on the volume");
        Ok(())
    })
}

#[test]
fn a_pod_of_nobody_with_read_only_files_and_no_powers_serves() -> Result<()> {
    with_image(|containerd| {
        let volume = volume(NOBODY)?;
        let app = app(containerd, "strict").mount(volume.path(), "/data", "rw");
        let app = app.environment("HEDGE_STATE_DIR", "/data").flags(&["--read-only"]);
        let app = app.flags(&["--cap-drop", "CAP_NET_BIND_SERVICE"]);
        let mut served = app.serve()?;
        statement::post(&served.xapi(), &statement::new_id())?;
        served.end(containerd)?;
        let log = served.attached.log();
        // The code came with the image: compiling takes seconds.
        ensure!(!log.contains("compil"), "{log}");
        Ok(())
    })
}

#[test]
fn a_pod_sets_variables_stores_and_the_folder_as_the_command() -> Result<()> {
    with_image(|containerd| {
        let (volume, files) = (volume(NOBODY)?, TempDir::new()?);
        let config = files.path().join("runtime-config.toml");
        let tables = ["content", "progress", "identity"].map(|label| {
            let path = format!("/data/elsewhere-{label}.db");
            format!("[sqlite_database.{label}]\ntype = \"spin\"\npath = {path:?}\n")
        });
        fs::write(&config, tables.concat())?;
        let app = app(containerd, "spinapp").mount(volume.path(), "/data", "rw");
        let app = app.mount(&config, "/runtime-config.toml", "ro");
        // As the case study writes them: by their names alone.
        let app = app.environment("NODE_ID", "galway").environment("SYNC_ENABLED", "false");
        let app = app.environment("SYNC_INTERVAL", "10s").environment("CACHE_ENABLED", "true");
        // What SpinKube's operator gives as the command.
        let mut served =
            app.environment("SPIN_VARIABLE_CACHE_TTL", "30s").command(&["/"]).serve()?;
        statement::post(&served.xapi(), &statement::new_id())?;
        let status = served.admin().get("/sync/v1/status")?.expect(200)?.text();
        ensure!(status.contains("galway"), "{status}");
        served.end(containerd)?;
        ensure!(volume.path().join("elsewhere-progress.db").is_file(), "not the pod's stores");
        Ok(())
    })
}

#[test]
fn a_pod_that_keeps_nothing_is_told_so() -> Result<()> {
    with_image(|containerd| {
        let mut served = app(containerd, "forgetful").serve()?;
        let (tasks, id) = (containerd.tasks()?, served.id.clone());
        hedgeschool_tests::containerd::kill(tasks[&id].pid, Signal::TERM)?;
        served.attached.wait()?;
        let log = served.attached.log();
        ensure!(log.contains("is no volume") && log.contains("HEDGE_STATE_DIR"), "{log}");
        Ok(())
    })
}
