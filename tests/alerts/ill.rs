//! Nodes that get into trouble: a disk that is full, a clock that is wrong, a line that is cut, a
//! page that is damaged.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hedgeschool_tests::{
    Builder, Link, Machine, Node, eventually, free_port, slow_disk, statement,
};
use rustix::mount::{MountFlags, UnmountFlags};

use crate::targets::Targets;

/// The region of all that are in trouble.
const REGION: &str = "ill";
/// How much slower than promised a post is on the slow disk.
const SYNC_DELAY: Duration = Duration::from_millis(120);
/// How often the host that crashes does.
const CRASH_EVERY: Duration = Duration::from_millis(800);
/// Nodes below the hub that hears none of them.
const LONELY_BELOW: [&str; 5] = ["clare", "kerry", "mayo", "meath", "offaly"];

/// All of them, and one that is well.
pub struct Ill {
    targets: Targets,
    well: Node,
    _hub: Node,
    _unread: Node,
    skewed: (Node, Machine),
    full: Node,
    disk: SmallDisk,
    killed: Node,
    crashing: Node,
    crashed: Instant,
    mute: Node,
    slow: Node,
    lonely: (Node, Machine),
    below: Vec<Node>,
    _cut_off: (Node, Link),
    /// Those that are in trouble from the start.
    _others: Vec<Node>,
}

fn node(name: &str, below: &[&str]) -> Result<Builder> {
    let tokens: Vec<_> = below.iter().map(|node| format!("{node}:token-of-{node}")).collect();
    let builder = Node::builder()?.variable("node_id", name).variable("sync_interval", "500ms");
    Ok(builder.variable("bootstrap_nodes", &tokens.join(",")))
}

fn under(name: &str, upstream: &str) -> Result<Builder> {
    let builder = node(name, &[])?.variable("upstream_url", upstream);
    Ok(builder.variable("upstream_token", &format!("token-of-{name}")))
}

/// A node on a machine of its own.
fn on_machine(builder: Builder) -> Result<(Builder, Machine)> {
    let machine = Machine::under(builder.folder())?;
    Ok((builder.environment(machine.environment()?), machine))
}

impl Ill {
    /// Starts them, all in good health but for what they are configured with.
    pub fn start() -> Result<Self> {
        let mut targets = Targets::default();
        let well = targets.start(node("well", &[])?, "well", "well")?;
        targets.add_stores(&well, "well", "well");
        let mut start = |builder, name| targets.start(builder, name, REGION);
        let hub = start(node("hub", &["skewed", "unread"])?, "hub")?;
        let (skewed, clock) = on_machine(under("skewed", &hub.address())?)?;
        let full = node("full", &[])?;
        let disk = SmallDisk::at(full.folder())?;
        let (lonely, lonely_clock) = on_machine(node("lonely", &LONELY_BELOW)?)?;
        let lonely = start(lonely, "lonely")?;
        let below = LONELY_BELOW.iter().map(|name| under(name, &lonely.address())?.quiet().start());
        let below = below.collect::<Result<_>>()?;
        let link = Link::to(hub.port())?;
        link.cut();
        let cut_off = start(under("cut-off", &link.address())?, "cut-off")?;
        let no_redis = format!("redis://127.0.0.1:{}", free_port()?);
        let no_redis = node("no-redis", &[])?.variable("redis_url", &no_redis);
        let small = node("small", &[])?.variable("storage_limit", "200KB");
        let slow = node("slow", &[])?.environment(slow_disk(SYNC_DELAY)?);
        Ok(Self {
            skewed: (start(skewed, "skewed")?, clock),
            full: start(full, "full")?,
            disk,
            killed: start(node("killed", &[])?, "killed")?,
            crashing: start(node("crashing", &[])?, "crashing")?,
            crashed: Instant::now(),
            mute: start(node("mute", &[])?, "mute")?,
            slow: start(slow, "slow")?,
            lonely: (lonely, lonely_clock),
            below,
            _cut_off: (cut_off, link),
            _others: vec![start(no_redis, "no-redis")?, start(small, "small")?],
            _unread: under("unread", &hub.address())?.quiet().start()?,
            _hub: hub,
            well,
            targets,
        })
    }

    /// Where they are read.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Breaks what can be broken at once.
    pub fn fall_ill(&mut self) -> Result<()> {
        self.skewed.1.set_clock(120)?;
        self.disk.fill()?;
        self.killed.kill()?;
        damage(&mut self.mute)?;
        let status = self.lonely.0.admin();
        eventually("the hub has heard its nodes", || {
            let text = status.get("/sync/v1/metrics")?.text();
            let heard = text.matches("hedgeschool_node_silence_seconds{").count();
            Ok((heard == LONELY_BELOW.len()).then_some(()))
        })?;
        self.below.iter_mut().try_for_each(Node::kill)?;
        // Two hours later, as far as the hub is concerned.
        self.lonely.1.set_clock(2 * 3600)
    }

    /// What goes on as long as it is looked at: posts, on disks of three kinds, and crashes.
    pub fn go_on(&mut self) -> Result<()> {
        for node in [&self.well, &self.slow] {
            statement::post(&node.xapi(), &statement::new_id())?;
        }
        // Refused: 507.
        let _ = statement::post(&self.full.xapi(), &statement::new_id());
        if self.crashed.elapsed() > CRASH_EVERY {
            self.crashing.kill()?;
            self.crashing.spawn()?;
            self.crashed = Instant::now();
        }
        Ok(())
    }
}

/// Writes noise over the pages of a node's record of learning, but for the first, and starts it
/// again.
fn damage(node: &mut Node) -> Result<()> {
    node.terminate()?;
    let file = OpenOptions::new().write(true).open(node.folder().join("progress.db"))?;
    let length = file.metadata()?.len();
    let noise = vec![0x5a; usize::try_from(length.saturating_sub(4096))?];
    file.write_all_at(&noise, 4096)?;
    node.spawn()
}

/// A disk of 64 MiB.
struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    fn at(folder: &Path) -> Result<Self> {
        let flags = MountFlags::empty();
        rustix::mount::mount("tmpfs", folder, "tmpfs", flags, Some(c"size=64m"))
            .context("a disk of its own takes root")?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Leaves no room on it.
    fn fill(&self) -> Result<()> {
        let mut file = File::create(self.folder.join("ballast"))?;
        loop {
            match file.write(&[0; 4096]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.folder, UnmountFlags::DETACH);
        let _ = fs::remove_dir(&self.folder);
    }
}
