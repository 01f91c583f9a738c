//! The verifier as a module for WASI 0.1: run by Wasmtime, and in containers by crun built with
//! WasmEdge, if `HEDGE_TEST_CRUN` names one (`cargo xtask wasmedge` builds it).

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::containerd::{Containerd, VERIFIER, pack_verifier};
use hedgeschool_tests::{Node, Relay, course, eventually, repository, statement, wasmtime};
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::with_containerd;

/// What its image is called here, and containerd's own runtime, which starts crun.
const IMAGE: &str = "localhost/hedge-verify:test";
const RUNC: &str = "io.containerd.runc.v2";
/// How crun knows a module: by this, and a name that ends in `.wasm`.
const VARIANT: &str = "module.wasm.image/variant=compat-smart";
/// Where the folder with what is to be checked is seen, and what there is to say of its course.
const DATA: &str = "/data";
const COURSE: &str = r#"course "Knots" "https://example.org/knots": 1 unit(s), 2 file(s)"#;

/// A folder with a package in `good`, one that leaves its folder in `bad`, and the journals of
/// nodes in `journals`.
fn data() -> Result<TempDir> {
    let folder = TempDir::new()?;
    // The user of the container is nobody.
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
    let path = |name: &str| folder.path().join(name);
    for name in ["good", "bad", "journals"] {
        fs::create_dir(path(name))?;
    }
    let package = course::package("https://example.org/knots", "Knots")?;
    fs::write(path("good/knots.zip"), &package)?;
    fs::write(path("bad/slip.zip"), course::archive(&[("../cmi5.xml", b"")])?)?;
    for (name, messages) in [("up", went_up()?), ("down", came_down(&package)?)] {
        fs::write(path("journals").join(format!("{name}.jsonl")), messages)?;
    }
    Ok(folder)
}

/// What a node posted to the one above it, recorded on its way.
fn went_up() -> Result<String> {
    let hub = Node::builder()?.variable("node_id", "hub");
    let hub = hub.variable("bootstrap_nodes", "edge:token-of-edge").start()?;
    let relay = Relay::start("127.0.0.1:0", &hub.address(), |_, _| {})?;
    let edge = Node::builder()?.variable("node_id", "edge").variable("sync_interval", "100ms");
    let edge = edge.variable("upstream_url", &relay.address());
    let edge = edge.variable("upstream_token", "token-of-edge").start()?;
    // What is above is not yet answered, and what is answered not yet noted by the relay.
    let batches = || {
        let exchanges = relay.exchanges().into_iter();
        exchanges.filter(|it| it.path == "/sync/v1/entries" && it.status == 200)
    };
    for id in [(); 3].map(|()| statement::new_id()) {
        statement::post(&edge.xapi(), &id)?;
        let went_up = || batches().any(|batch| batch.asked.contains(&id));
        eventually("it went up", || Ok(went_up().then_some(())))?;
    }
    Ok(batches().map(|exchange| exchange.asked + "\n").collect())
}

/// What a node answers to one below that has nothing yet, as `docs/verifier.md` asks for it.
fn came_down(package: &[u8]) -> Result<String> {
    let hub = Node::builder()?.variable("node_id", "hub");
    let hub = hub.variable("bootstrap_nodes", "auditor:token-of-auditor").start()?;
    let zip = Some(("application/zip", package));
    hub.admin().send(Method::POST, course::COURSES, zip)?.expect(201)?;
    let auditor = hub.anonymous().with_header("authorization", "Bearer token-of-auditor");
    let nothing = json!({ "epoch": "0", "feed": null, "held": null });
    let health = json!({ "queue": 0, "queue_age_s": 0, "conflicts": 0, "version": "" });
    let journals: Value = json!({ "content": nothing, "identity": nothing, "progress": nothing });
    let pull = json!({ "node": "auditor", "serves": [], "now": 0, "health": health,
        "journals": journals, "wait_ms": 0 });
    Ok(auditor.post("/sync/v1/pull", &pull)?.expect(200)?.text())
}

/// A way to run the verifier with these arguments over a folder: how it ended, and what it said.
type Engine<'a> = dyn FnMut(&Path, &[&str]) -> Result<(ExitStatus, String)> + 'a;

/// What holds in every engine. `refusal`: the exit code of a refusal that is told by a trap.
fn verifies(run: &mut Engine<'_>, refusal: i32) -> Result<()> {
    let data = data()?;
    let (good, bad, journals) = ("/data/good", "/data/bad", "/data/journals");
    let (status, text) = run(data.path(), &["package", good])?;
    ensure!(status.success() && text.contains(COURSE), "{status}: {text}");
    let (status, text) = run(data.path(), &["--trap", "package", good, bad])?;
    ensure!(status.code() == Some(refusal), "{status}: {text}");
    ensure!(text.contains(COURSE) && text.contains("slip.zip: refused: "), "{text}");
    let (status, text) = run(data.path(), &["journal", journals])?;
    ensure!(status.success(), "{status}: {text}");
    for part in [r#"progress of "edge", going up"#, "3 statement", r#"content of "hub", going d"#] {
        ensure!(text.contains(part), "{part:?} is not in {text}");
    }
    Ok(())
}

#[test]
fn wasmtime_runs_the_verifier() -> Result<()> {
    let program = wasmtime()?;
    let module = repository(VERIFIER);
    ensure!(module.is_file(), "{VERIFIER} is missing: `cargo xtask build --verifier` makes it");
    eprintln!("{}", version(&program)?);
    let mut run = |data: &Path, arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.args(["run", "--dir"]).arg(format!("{}::{DATA}", data.display()));
        let output = command.arg(&module).args(arguments).output()?;
        Ok((output.status, String::from_utf8_lossy(&output.stdout).into_owned()))
    };
    // Wasmtime ends as a program that a signal has aborted.
    verifies(&mut run, 128 + 6)?;
    let bad = data()?;
    let (status, text) = run(bad.path(), &["package", "/data/bad"])?;
    ensure!(status.code() == Some(1), "{status}: {text}");
    Ok(())
}

#[test]
fn crun_runs_the_verifier_by_wasmedge() -> Result<()> {
    with_crun(|containerd, crun| {
        let mut count = 0;
        verifies(
            &mut |data, arguments| {
                count += 1;
                run(containerd, crun, &format!("verify-{count}"), data, arguments)
            },
            1,
        )
    })
}

/// crun 1.9 answers 0 whatever a module ends with, which is why there is `--trap`: if this fails, a
/// later one does better.
#[test]
fn crun_drops_the_exit_code_of_a_module() -> Result<()> {
    with_crun(|containerd, crun| {
        let data = data()?;
        let (status, text) =
            run(containerd, crun, "drops", data.path(), &["package", "/data/bad"])?;
        ensure!(status.success() && text.contains("refused: "), "{status}: {text}");
        Ok(())
    })
}

/// Runs a test with the verifier's image in a containerd of its own, if there can be one, and a
/// crun with WasmEdge.
fn with_crun(test: impl FnOnce(&Containerd, &Path) -> Result<()>) -> Result<()> {
    let Some(crun) = env::var_os("HEDGE_TEST_CRUN").map(PathBuf::from) else {
        eprintln!("left out: no crun with WasmEdge (`cargo xtask wasmedge` builds one)");
        return Ok(());
    };
    with_containerd(|containerd| {
        eprintln!("containerd {}\n{}", containerd.version()?, version(&crun)?);
        let wasmedge = crun.with_file_name("bin").join("wasmedge");
        if wasmedge.is_file() {
            eprintln!("{}", version(&wasmedge)?);
        }
        let output = TempDir::new()?;
        containerd.import(&pack_verifier(output.path(), IMAGE)?)?;
        test(containerd, &crun)
    })
}

/// Runs it as the pods in `k3s/wasmedge` do: as nobody, with read-only files.
fn run(
    containerd: &Containerd,
    crun: &Path,
    id: &str,
    data: &Path,
    arguments: &[&str],
) -> Result<(ExitStatus, String)> {
    let crun = crun.display().to_string();
    let command: Vec<_> = ["/hedge-verify.wasm"].iter().chain(arguments).copied().collect();
    let container = containerd.container(IMAGE, id).runtime(RUNC).mount(data, DATA, "ro");
    let container = container.flags(&["--runc-binary", &crun, "--annotation", VARIANT]);
    container.flags(&["--read-only"]).command(&command).output()
}

fn version(program: &Path) -> Result<String> {
    let output = Command::new(program).arg("--version").output();
    let output = output.with_context(|| format!("starting {}", program.display()))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
