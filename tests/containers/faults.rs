//! Whatever is killed under load, everything acknowledged is there, and no two processes work on
//! one volume.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::containerd::{self, Containerd, Served, is_alive};
use hedgeschool_tests::storm::{self, Storm};
use hedgeschool_tests::{Client, audit, eventually, statement};
use rustix::fs::{Gid, Uid, chown};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::{app, with_image};

/// How many statements are acknowledged before something is killed.
const STATEMENTS: usize = 200;
/// How long an orphan may live.
const ORPHAN_MAX: Duration = Duration::from_secs(1);

fn volume() -> Result<TempDir> {
    let folder = TempDir::new()?;
    chown(folder.path(), Some(Uid::from_raw(65532)), Some(Gid::from_raw(65532)))?;
    Ok(folder)
}

fn serve(containerd: &Containerd, id: &str, volume: &Path) -> Result<Served> {
    app(containerd, id).mount(volume, "/.spin", "rw").serve()
}

/// Records until the fault, and looks what is on the volume once the container's process is gone.
fn survive(client: &Client, volume: &Path, fault: impl FnOnce() -> Result<()>) -> Result<Storm> {
    let storm = storm::until(client, STATEMENTS, Duration::from_millis(3), fault)?;
    storm.check(&audit::statements(volume)?)?;
    Ok(storm)
}

#[test]
fn a_workload_that_is_killed_loses_nothing() -> Result<()> {
    with_image(|containerd| {
        let volume = volume()?;
        let mut served = serve(containerd, "workload", volume.path())?;
        let pid = containerd.tasks()?["workload"].pid;
        let storm = survive(&served.xapi(), volume.path(), || {
            containerd::kill(pid, Signal::KILL)?;
            served.attached.wait().map(drop)
        })?;
        let mut again = serve(containerd, "workload-again", volume.path())?;
        storm.check(&statement::all_ids(&again.xapi())?.into_iter().collect())?;
        again.end(containerd)?;
        Ok(())
    })
}

#[test]
fn no_workload_outlives_its_daemon() -> Result<()> {
    with_image(|containerd| {
        let volume = volume()?;
        let served = serve(containerd, "orphan", volume.path())?;
        let pid = containerd.tasks()?["orphan"].pid;
        let daemons = containerd.daemons()?;
        let storm = survive(&served.xapi(), volume.path(), || {
            for daemon in &daemons {
                containerd::kill(*daemon, Signal::KILL)?;
            }
            let start = std::time::Instant::now();
            eventually("the workload ends", || Ok((!is_alive(pid)).then_some(())))?;
            ensure!(start.elapsed() < ORPHAN_MAX, "it lived for {:?}", start.elapsed());
            Ok(())
        })?;
        eventually("containerd notices", || {
            let task = containerd.tasks()?.remove("orphan");
            Ok(task.is_none_or(|task| task.status != "RUNNING").then_some(()))
        })?;
        let mut again = serve(containerd, "orphan-again", volume.path())?;
        storm.check(&statement::all_ids(&again.xapi())?.into_iter().collect())?;
        again.end(containerd)?;
        drop(served);
        // What `ctr` would have taken away, had it not been cut off.
        let _ = containerd.ctr(&["task", "delete", "--force", "orphan"]);
        let _ = containerd.ctr(&["container", "delete", "orphan"]);
        Ok(())
    })
}

#[test]
fn containers_go_on_when_containerd_is_killed_and_started_anew() -> Result<()> {
    with_image(|containerd| {
        let (volume, port) = (volume()?, hedgeschool_tests::free_port()?);
        app(containerd, "going-on").mount(volume.path(), "/.spin", "rw").listen(port).start()?;
        let client = Client::new(&format!("http://127.0.0.1:{port}"));
        eventually("it answers", || Ok(client.get("/xapi/about").ok().map(drop)))?;
        let client = client.with_basic(hedgeschool_tests::Node::CLIENT);
        let client = client.with_header("x-experience-api-version", "1.0.3");
        let before = containerd.tasks()?["going-on"].clone();
        for _ in 0..2 {
            statement::post(&client, &statement::new_id())?;
            containerd.restart()?;
            statement::post(&client, &statement::new_id())?;
            let after = containerd.tasks()?.remove("going-on").context("it is given up")?;
            assert_eq!(after, before);
        }
        ensure!(statement::count(&client)? == 4);
        containerd.ctr(&["task", "kill", "--signal", "SIGTERM", "going-on"])?;
        eventually("it ends", || Ok((!is_alive(before.pid)).then_some(())))?;
        eventually("it is deleted", || Ok(containerd.ctr(&["task", "delete", "going-on"]).ok()))?;
        containerd.ctr(&["container", "delete", "going-on"]).map(drop)
    })
}

#[test]
fn a_second_container_on_a_volume_stands_by_until_the_first_has_ended() -> Result<()> {
    with_image(|containerd| {
        let volume = volume()?;
        let mut first = serve(containerd, "first", volume.path())?;
        let id = statement::new_id();
        statement::post(&first.xapi(), &id)?;
        let port = hedgeschool_tests::free_port()?;
        let second = app(containerd, "second").mount(volume.path(), "/.spin", "rw").listen(port);
        let mut attached = second.attach()?;
        let client = Client::new(&format!("http://127.0.0.1:{port}"));
        let health = eventually("the second one stands by", || {
            let health = client.get("/.well-known/spin/health").ok();
            Ok(health.map(|health| health.text()).filter(|text| text != "OK\n"))
        })?;
        ensure!(health.contains("standing by: process 1 on"), "{health}");
        // Meanwhile the first one answers, whichever is asked.
        let client = client.with_basic(hedgeschool_tests::Node::CLIENT);
        let client = client.with_header("x-experience-api-version", "1.0.3");
        statement::read(&client, &id)?;
        let next = statement::new_id();
        statement::post(&client, &next)?;
        first.end(containerd)?;
        statement::read(&client, &next)?;
        let health = client.get("/.well-known/spin/health")?.expect(200)?.text();
        ensure!(health == "OK\n", "{health}");
        containerd.ctr(&["task", "kill", "--signal", "SIGTERM", "second"])?;
        attached.wait().map(drop)
    })
}
