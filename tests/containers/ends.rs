//! How containers end, and what an operator is told.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{eventually, statement};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{app, with_image};

/// Well within a pod's grace period of 30 s.
const GRACE: Duration = Duration::from_secs(15);
/// Clients that post large statements at one time, each of which takes memory while it is read.
const READERS: usize = 12;

/// As large a request as there may be.
fn large() -> Value {
    let response = "x".repeat(900_000);
    let one = || statement::with(json!({ "result": { "response": response } }));
    json!((0..8).map(|_| one()).collect::<Vec<_>>())
}

#[test]
fn a_pod_that_is_to_end_ends_well() -> Result<()> {
    with_image(|containerd| {
        let mut served = app(containerd, "ending").serve()?;
        let start = Instant::now();
        containerd.ctr(&["task", "kill", "--signal", "SIGTERM", "ending"])?;
        let status = served.attached.wait()?;
        ensure!(status.code() == Some(0), "{status}: {}", served.attached.log());
        ensure!(start.elapsed() < GRACE, "it took {:?}", start.elapsed());
        ensure!(served.attached.log().contains("stopping"), "{}", served.attached.log());
        Ok(())
    })
}

#[test]
fn what_is_wrong_is_said_where_an_operator_reads() -> Result<()> {
    with_image(|containerd| {
        let folder = TempDir::new()?;
        let log = folder.path().join("termination-log");
        fs::write(&log, "")?;
        // As Kubernetes makes it.
        fs::set_permissions(&log, fs::Permissions::from_mode(0o666))?;
        let app = app(containerd, "wrong").mount(&log, "/dev/termination-log", "rw");
        let (status, text) = app.environment("SYNC_INTERVAL", "soon").output()?;
        ensure!(status.code() == Some(1), "{status}: {text}");
        ensure!(text.contains("Error: variable sync_interval"), "{text}");
        let told = fs::read_to_string(&log)?;
        ensure!(told.contains("Error: variable sync_interval"), "{told}");
        Ok(())
    })
}

#[test]
fn settings_that_cannot_be_honoured_are_refused() -> Result<()> {
    with_image(|containerd| {
        for (name, value, says) in [
            ("SPIN_HTTP_LISTEN_ADDR", "everywhere", "not ADDRESS:PORT"),
            ("SPIN_MAX_INSTANCE_MEMORY", "256Mi", "whole number of bytes"),
            ("SPIN_COMPONENTS_TO_RETAIN", "portal", "all components"),
        ] {
            let (status, text) = app(containerd, "refused").environment(name, value).output()?;
            ensure!(status.code() == Some(1) && text.contains(says), "{status}: {text}");
        }
        Ok(())
    })
}

#[test]
fn a_pod_past_its_memory_is_ended_and_that_is_the_reason() -> Result<()> {
    with_image(|containerd| {
        let mut events = containerd.events()?;
        let app = app(containerd, "hungry").flags(&["--memory-limit", "64000000"]);
        let mut served = app.serve()?;
        let client = served.xapi();
        thread::scope(|scope| {
            for _ in 0..READERS {
                // Until one is not answered.
                scope.spawn(|| while statement::store(&client, &large()).is_ok() {});
            }
        });
        let status = served.attached.wait()?;
        ensure!(status.code() == Some(137), "{status}: {}", served.attached.log());
        eventually("containerd hears of it", || {
            Ok(events.text().contains("/tasks/oom").then_some(()))
        })?;
        events.end()
    })
}

#[test]
fn a_workload_that_is_killed_says_so_by_its_exit_code() -> Result<()> {
    with_image(|containerd| {
        let mut served = app(containerd, "killed").serve()?;
        containerd.ctr(&["task", "kill", "--signal", "SIGKILL", "killed"])?;
        let code = served.attached.wait()?.code().context("ctr was killed")?;
        ensure!(code == 128 + 9, "{code}");
        Ok(())
    })
}
