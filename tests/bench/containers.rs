//! The app in containers: of the shim, and of runc with the same host, in turns.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::containerd::{Builder, Containerd, pack};
use hedgeschool_tests::{Client, Node, eventually, free_port, repository};
use rustix::fs::{Gid, Uid, chown};
use tempfile::TempDir;

use crate::report::{Times, milliseconds};

/// What the app's image is called.
const IMAGE: &str = "localhost/hedge-bench:1";
/// The user of its containers.
const USER: u32 = 65532;
/// What is asked for first.
const PAGE: &str = "/xapi/about";
/// Containers on a box.
const BOX: usize = 10;
/// For how long a node is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(3);

/// The runtimes that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Runtime {
    Hedge,
    Runc,
}

impl Runtime {
    fn title(self) -> &'static str {
        match self {
            Self::Hedge => "the shim",
            Self::Runc => "runc, the same host",
        }
    }
}

/// Measures how soon a container answers, and what one and ten of them take of memory.
pub fn measure(starts: u32) -> Result<()> {
    ensure!(rustix::process::getuid().is_root(), "containers take root");
    let containerd = Containerd::start()?;
    let image = TempDir::new()?;
    containerd.import(&pack(&repository("spin.toml"), image.path(), IMAGE, &[])?)?;
    println!("containerd {}, {}\n", containerd.version()?, runc_version()?);
    let mut times = BTreeMap::<Runtime, Vec<Duration>>::new();
    for start in 0..starts {
        // Neither is always the first.
        let mut order = [Runtime::Hedge, Runtime::Runc];
        order.rotate_left(usize::try_from(start % 2)?);
        for runtime in order {
            let took = self::start(&containerd, runtime, &format!("start-{start}-{runtime:?}"))?;
            times.entry(runtime).or_default().push(took);
        }
    }
    println!("| from `ctr run` to the first 200 | median | P99 | worst of {starts} |");
    println!("|---|--:|--:|--:|");
    for (runtime, times) in times {
        let times = Times::new(times);
        let [median, tail, worst] =
            [0.5, 0.99, 1.0].map(|share| milliseconds(times.percentile(share)));
        println!("| {} | {median} | {tail} | {worst} |", runtime.title());
    }
    println!("\n| idle, MiB (PSS of all processes) | containers | bare processes | ratio |");
    println!("|---|--:|--:|--:|");
    // The first one compiles, which takes memory.
    bare(1)?;
    for count in [1, BOX] {
        let containers = containers(&containerd, count)?;
        let bare = bare(count)?;
        let ratio = containers / bare;
        println!("| {count} | {containers:.1} | {bare:.1} | {ratio:.2} |");
    }
    Ok(())
}

fn runc_version() -> Result<String> {
    let output = Command::new("runc").arg("--version").output().context("starting runc")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// A container with a volume of its own, and the port that it listens on.
fn container<'a>(
    containerd: &'a Containerd,
    runtime: Runtime,
    id: &str,
    volume: &Path,
) -> Result<(Builder<'a>, u16)> {
    chown(volume, Some(Uid::from_raw(USER)), Some(Gid::from_raw(USER)))?;
    let port = free_port()?;
    let builder = containerd.container(IMAGE, id).mount(volume, "/.spin", "rw").listen(port);
    let shim = repository("target/shim/containerd-shim-hedge-v1");
    let builder = match runtime {
        Runtime::Hedge => builder,
        Runtime::Runc => builder
            .runtime("io.containerd.runc.v2")
            .mount(&shim, "/.hedge/hedge", "ro")
            .command(&["/.hedge/hedge", "serve", "/spin.toml"]),
    };
    Ok((builder, port))
}

/// Starts a container, asks until it answers, and takes it away again. Answers how long the first
/// answer took.
fn start(containerd: &Containerd, runtime: Runtime, id: &str) -> Result<Duration> {
    let volume = TempDir::new()?;
    let (builder, port) = container(containerd, runtime, id, volume.path())?;
    let start = Instant::now();
    let running = builder.spawn()?;
    // A connection that is refused costs little; a client that tries again would.
    eventually("it listens", || Ok(TcpStream::connect(("127.0.0.1", port)).ok().map(drop)))?;
    Client::new(&format!("http://127.0.0.1:{port}")).get(PAGE)?.expect(200)?;
    let took = start.elapsed();
    running.started()?;
    remove(containerd, id)?;
    Ok(took)
}

fn remove(containerd: &Containerd, id: &str) -> Result<()> {
    containerd.ctr(&["task", "kill", "--signal", "SIGKILL", id])?;
    eventually("it is deleted", || Ok(containerd.ctr(&["task", "delete", id]).ok().map(drop)))?;
    containerd.ctr(&["container", "delete", id]).map(drop)
}

/// What so many containers of the shim take, in MiB.
fn containers(containerd: &Containerd, count: usize) -> Result<f64> {
    let mut volumes = Vec::new();
    for number in 0..count {
        let volume = TempDir::new()?;
        let id = format!("idle-{number}");
        let (builder, port) = container(containerd, Runtime::Hedge, &id, volume.path())?;
        builder.start()?;
        let client = Client::new(&format!("http://127.0.0.1:{port}"));
        eventually("it answers", || Ok(client.get(PAGE).ok().map(drop)))?;
        volumes.push(volume);
    }
    // What is idle does nothing that could be waited for.
    std::thread::sleep(IDLE);
    let tasks = containerd.tasks()?;
    let processes = tasks.values().map(|task| task.pid).chain(containerd.daemons()?);
    let memory = processes.map(memory).sum::<Result<f64>>()?;
    tasks.keys().try_for_each(|id| remove(containerd, id))?;
    Ok(memory)
}

/// What so many processes of `hedge up` take, in MiB.
fn bare(count: usize) -> Result<f64> {
    let node = || {
        let node = Node::builder()?.on_disk()?.quiet().start()?;
        node.anonymous().get(PAGE)?.expect(200)?;
        Ok(node)
    };
    let nodes: Vec<_> = (0..count).map(|_| node()).collect::<Result<_>>()?;
    std::thread::sleep(IDLE);
    nodes.iter().map(|node| memory(node.process_id())).sum()
}

/// A process's share of memory (proc(5), `smaps_rollup`), in MiB: what several have in common
/// counts once.
fn memory(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let number = line.and_then(|line| line.split_whitespace().next()).context("no Pss")?;
    Ok(number.parse::<f64>()? / 1024.0)
}
