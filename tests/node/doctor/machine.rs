//! Clock, disk, memory, processes, ports.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Machine, Node, free_port, is_own_host};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use tempfile::TempDir;

use super::{fill, start, stopped};

const TWO_DAYS_S: i64 = 2 * 86_400;

#[test]
fn a_clock_that_is_behind() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let node = stopped(Node::builder()?)?;
    let machine = Machine::under(node.folder())?;
    machine.set_clock(-TWO_DAYS_S)?;
    let doctor = node.doctor().environment(machine.environment()?);
    doctor.expect_wrong("clock", "was changed 2 days from now")
}

#[test]
fn a_state_folder_in_memory() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    // Where Linux has such a folder, it is one in memory.
    let Ok(folder) = TempDir::new_in("/dev/shm") else { return Ok(()) };
    let mut node = Node::builder()?.in_folder(Arc::new(folder)).start()?;
    fill(&node)?;
    node.doctor().expect_wrong("filesystem", "is on tmpfs, which is in memory")?;
    node.terminate()?;
    node.doctor().expect_wrong("filesystem", "all is lost at the next restart")
}

/// A small disk over a folder: what is written goes to one in memory, and what it says of its kind
/// is something else.
struct SmallDisk<'a> {
    folder: &'a Path,
    below: TempDir,
}

impl<'a> SmallDisk<'a> {
    /// None: only root may.
    fn over(folder: &'a Path, options: &str) -> Result<Option<Self>> {
        let below = TempDir::new()?;
        let options = std::ffi::CString::new(options)?;
        let flags = MountFlags::empty();
        if mount("tmpfs", below.path(), "tmpfs", flags, options.as_c_str()).is_err() {
            return Ok(None);
        }
        let disk = Self { folder, below };
        let parts = ["lower", "upper", "work"].map(|name| disk.below.path().join(name));
        for part in &parts {
            fs::create_dir(part)?;
        }
        let [lower, upper, work] = parts.map(|part| part.display().to_string());
        let options =
            std::ffi::CString::new(format!("lowerdir={lower},upperdir={upper},workdir={work}"))?;
        mount("overlay", folder, "overlay", flags, options.as_c_str())?;
        Ok(Some(disk))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        for folder in [self.folder, self.below.path()] {
            let _ = unmount(folder, UnmountFlags::DETACH);
        }
    }
}

#[test]
fn a_disk_without_room() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let folder = Arc::new(TempDir::new()?);
    let Some(_disk) = SmallDisk::over(folder.path(), "size=100m")? else { return Ok(()) };
    let mut node = Node::builder()?.in_folder(folder.clone()).start()?;
    fill(&node)?;
    node.terminate()?;
    node.doctor().expect_nothing()?;
    fs::write(folder.path().join("film.mp4"), vec![0; 85 << 20])?;
    node.doctor().expect_warning("disk", "Of the disk")?;
    fs::write(folder.path().join("other.mp4"), vec![0; 10 << 20])?;
    node.doctor().expect_wrong("disk", "new work of learners is refused")?;
    Ok(())
}

#[test]
fn a_disk_that_takes_no_more_files() -> Result<()> {
    let folder = Arc::new(TempDir::new()?);
    let options = "size=100m,nr_inodes=300";
    let Some(_disk) = SmallDisk::over(folder.path(), options)? else { return Ok(()) };
    let node = Node::builder()?.in_folder(folder.clone());
    node.doctor(free_port()?).expect_wrong("disk", "more files, however small")
}

#[test]
fn a_port_that_another_program_has() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let node = Node::builder()?.on_disk()?;
    let other = TcpListener::bind("127.0.0.1:0")?;
    let port = other.local_addr()?.port();
    thread::spawn(move || other.incoming().flatten().for_each(drop));
    node.doctor(port).expect_wrong("port", "there is another program")?;
    let other = Node::start()?;
    node.doctor(other.port()).expect_wrong("port", "a node with another state folder")
}

fn signal(node: &Node, signal: Signal) -> Result<()> {
    Ok(kill_process(pid(node)?, signal)?)
}

fn pid(node: &Node) -> Result<Pid> {
    Pid::from_raw(node.process_id().cast_signed()).context("no process")
}

#[test]
fn a_node_that_hangs() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let node = start(Node::builder()?)?;
    signal(&node, Signal::STOP)?;
    let found = node.doctor().expect_wrong("process", "and does not answer at");
    signal(&node, Signal::CONT)?;
    found?;
    let elsewhere = format!("--url=http://127.0.0.1:{}", free_port()?);
    node.doctor().argument(&elsewhere).expect_wrong("process", "and no node answers at")
}

/// A process, ended when dropped.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn another_program_that_has_a_database_open() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let node = start(Node::builder()?)?;
    let mut other = Command::new("sleep");
    let other = other.arg("60").stdin(fs::File::open(node.folder().join("progress.db"))?);
    let _other = Ending(other.spawn()?);
    node.doctor().expect_wrong("alone", "(sleep)")
}

#[test]
fn too_few_open_files() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let node = start(Node::builder()?)?;
    let maximum = getrlimit(Resource::Nofile).maximum;
    prlimit(Some(pid(&node)?), Resource::Nofile, Rlimit { current: Some(300), maximum })?;
    node.doctor().expect_wrong("open-files", "may have only 300 files")
}

#[test]
fn too_little_memory() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let node = start(Node::builder()?)?;
    let Some(group) = Group::with_limit(200 << 20) else { return Ok(()) };
    fs::write(group.0.join("cgroup.procs"), node.process_id().to_string())?;
    let found = node.doctor().expect_wrong("memory", "may have only 210 MB of memory");
    drop(node);
    found
}

/// A control group, removed when dropped.
struct Group(std::path::PathBuf);

impl Group {
    /// None: this machine does not let us.
    fn with_limit(bytes: u64) -> Option<Self> {
        let name = format!("hedge-doctor-{}", std::process::id());
        let kinds =
            [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
        kinds.into_iter().find_map(|(root, limit)| {
            let group = Self(Path::new(root).join(&name));
            fs::create_dir(&group.0).ok()?;
            fs::write(group.0.join(limit), bytes.to_string()).ok()?;
            Some(group)
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn a_disk_that_can_only_be_read() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let folder = Arc::new(TempDir::new()?);
    let Some(_disk) = SmallDisk::over(folder.path(), "size=100m")? else { return Ok(()) };
    let mut node = Node::builder()?.in_folder(folder.clone()).start()?;
    fill(&node)?;
    node.terminate()?;
    ensure!(node.doctor().examine()?.code == 0);
    rustix::mount::mount_remount(folder.path(), MountFlags::RDONLY, "")?;
    node.doctor().expect_wrong("permissions", "can only be read")
}
