//! What is inside a container, and what of it can be seen from outside.

use std::fs;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::containerd::Containerd;
use hedgeschool_tests::{eventually, statement};

use crate::{app, with_image};

/// CAP_NET_BIND_SERVICE, as a mask.
const NET_BIND_SERVICE: u64 = 1 << 10;

fn end(containerd: &Containerd, id: &str) -> Result<()> {
    containerd.ctr(&["task", "kill", "--signal", "SIGTERM", id]).map(drop)
}

#[test]
fn the_environment_is_the_pods_and_powers_are_few() -> Result<()> {
    with_image(|containerd| {
        let mut served = app(containerd, "inside").environment("OWN", "value").serve()?;
        let pid = containerd.tasks()?["inside"].pid;
        let environment = fs::read_to_string(format!("/proc/{pid}/environ"))?;
        ensure!(environment.contains("OWN=value"), "{environment:?}");
        ensure!(!environment.contains("CONTAINERD_ONLY"), "{environment:?}");
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let field = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.map(str::trim).with_context(|| format!("no {name}"))
        };
        for set in ["CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"] {
            let mask = u64::from_str_radix(field(set)?, 16)?;
            ensure!(mask & !NET_BIND_SERVICE == 0, "{set} is {mask:x}");
        }
        assert_eq!(field("NoNewPrivs")?, "1");
        served.end(containerd)?;
        Ok(())
    })
}

#[test]
fn a_port_below_1024_takes_no_root() -> Result<()> {
    with_image(|containerd| {
        let mut attached = app(containerd, "port").attach()?;
        eventually("it serves on port 80", || {
            let log = attached.log();
            ensure!(!log.contains("Error"), "{log}");
            Ok(log.contains("Serving http://0.0.0.0:80").then_some(()))
        })?;
        end(containerd, "port")?;
        attached.wait()?;
        Ok(())
    })
}

#[test]
fn processor_time_and_memory_are_counted() -> Result<()> {
    with_image(|containerd| {
        let mut served = app(containerd, "counted").serve()?;
        for _ in 0..20 {
            statement::post(&served.xapi(), &statement::new_id())?;
        }
        let table = containerd.ctr(&["task", "metrics", "counted"])?;
        let of = |name: &str| -> Result<f64> {
            let line =
                table.lines().find(|line| line.starts_with(name)).with_context(|| table.clone())?;
            Ok(line.split_whitespace().last().unwrap_or_default().parse()?)
        };
        // A start and a few statements: more than a millisecond, in nanoseconds.
        ensure!(of("cpuacct.usage ").or_else(|_| of("cpuacct.usage"))? > 1e6, "{table}");
        ensure!(of("memory.usage_in_bytes")? > 1e6, "{table}");
        served.end(containerd)?;
        Ok(())
    })
}

#[test]
fn an_operator_can_look_into_it() -> Result<()> {
    with_image(|containerd| {
        let mut served = app(containerd, "looked-into").serve()?;
        let words =
            ["task", "exec", "--exec-id", "look", "looked-into", "/.hedge/hedge", "--version"];
        let text = containerd.ctr(&words)?;
        ensure!(text.starts_with("hedge "), "{text}");
        let words = ["task", "exec", "--exec-id", "miss", "looked-into", "/bin/nothing"];
        let error = format!("{:#}", containerd.ctr(&words).err().context("it ran")?);
        ensure!(error.contains("/bin/nothing"), "{error}");
        served.end(containerd)?;
        Ok(())
    })
}
