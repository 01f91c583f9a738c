//! Several containers of a pod, and those that hold no app.

use anyhow::{Result, ensure};
use hedgeschool_tests::containerd::{Containerd, is_alive};
use hedgeschool_tests::{eventually, repository};

use crate::{app, with_image};

#[test]
fn containers_of_a_pod_share_a_daemon() -> Result<()> {
    with_image(|containerd| {
        let mut first = app(containerd, "first").pod("pod").serve()?;
        let mut second = app(containerd, "second").pod("pod").serve()?;
        let mut other = app(containerd, "other").serve()?;
        ensure!(containerd.daemons()?.len() == 2, "{:?}", containerd.daemons()?);
        for (id, served) in [("first", &mut first), ("other", &mut other)] {
            containerd.ctr(&["task", "kill", "--signal", "SIGTERM", id])?;
            served.attached.wait()?;
        }
        // The pod goes on without its first container.
        second.admin().get("/sync/v1/status")?.expect(200)?;
        second.end(containerd)?;
        Ok(())
    })
}

/// The shim's own program is one that needs no libraries.
fn program<'a>(
    containerd: &'a Containerd,
    id: &str,
    words: &[&str],
) -> hedgeschool_tests::containerd::Builder<'a> {
    let shim = repository("target/shim/containerd-shim-hedge-v1");
    app(containerd, id).mount(&shim, "/program", "ro").command(words)
}

#[test]
fn a_program_is_run_as_any_runtime_would() -> Result<()> {
    with_image(|containerd| {
        let (status, text) = program(containerd, "fine", &["/program", "-v"]).output()?;
        ensure!(status.success() && text.contains("containerd-shim-hedge-v1 "), "{status}: {text}");
        let (status, text) = program(containerd, "fails", &["/program", "up"]).output()?;
        ensure!(status.code() == Some(1) && text.contains("no action"), "{status}: {text}");
        Ok(())
    })
}

#[test]
fn a_container_that_cannot_be_made_leaves_nothing() -> Result<()> {
    with_image(|containerd| {
        for (command, says) in [("/nothing", "/nothing"), ("/compiled", "/compiled/spin.toml")] {
            let (status, text) = app(containerd, "impossible").command(&[command]).output()?;
            ensure!(!status.success() && text.contains(says), "{status}: {text}");
            containerd.await_nothing_left()?;
        }
        // The name can be used again.
        let (status, _) = program(containerd, "impossible", &["/program", "-v"]).output()?;
        ensure!(status.success(), "{status}");
        Ok(())
    })
}

#[test]
fn a_daemon_ends_with_its_last_container() -> Result<()> {
    with_image(|containerd| {
        let mut served = app(containerd, "last").serve()?;
        let daemons = containerd.daemons()?;
        served.end(containerd)?;
        eventually("the daemon ends", || {
            Ok((!daemons.iter().any(|daemon| is_alive(*daemon))).then_some(()))
        })
    })
}
