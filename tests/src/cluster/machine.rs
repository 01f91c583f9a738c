//! The machine under a cluster: its network, and what has to go when the cluster does.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use super::{ADDRESS, processes, run};
use crate::eventually;

/// Makes the network that all parts listen in, unless the test before has.
pub(super) fn make_network() -> Result<()> {
    if fs::exists("/sys/class/net/hedge0")? || run("ip", &["link", "show", "hedge0"]).is_ok() {
        return Ok(());
    }
    run("ip", &["link", "set", "lo", "up"])?;
    run("ip", &["link", "add", "hedge0", "type", "bridge"])?;
    run("ip", &["address", "add", &format!("{ADDRESS}/24"), "dev", "hedge0"])?;
    run("ip", &["link", "set", "hedge0", "up"])?;
    run("ip", &["route", "add", "default", "via", "10.90.0.254", "dev", "hedge0"])?;
    Ok(fs::write("/proc/sys/net/ipv4/ip_forward", "1")?)
}

/// Whether this process shares its network with the machine's first one: there is more than the
/// loopback then.
pub(super) fn is_shared() -> Result<bool> {
    let table = fs::read_to_string("/proc/net/dev")?;
    let mut names = table.lines().skip(2).filter_map(|line| line.split(':').next());
    // `hedge0` and what hangs on it is ours.
    let is_foreign = |name: &str| ["eth", "ens", "enp", "wl"].iter().any(|it| name.starts_with(it));
    Ok(names.any(|name| is_foreign(name.trim())))
}

/// Hides the folders of the machine that some parts write to whatever they are told, for as long
/// as this program runs.
pub(super) fn cover() -> Result<()> {
    static COVERED: OnceLock<()> = OnceLock::new();
    if COVERED.get().is_none() {
        for folder in ["/run", "/var/lib", "/var/log"] {
            let flags = rustix::mount::MountFlags::empty();
            let covered = rustix::mount::mount("tmpfs", folder, "tmpfs", flags, None);
            covered.with_context(|| format!("covering {folder}"))?;
        }
        let _ = COVERED.set(());
    }
    Ok(())
}

/// Ends and takes away all that a cluster with this folder has left on the machine.
pub(super) fn clear(folder: &Path) -> Result<()> {
    kill_all();
    unmount_below(folder);
    remove_networks()?;
    remove_cgroups()
}

/// Kills every process but this one and the first. Whatever else is here is the cluster's.
fn kill_all() {
    let own = std::process::id();
    let is_over = || {
        let others = processes(|words| !words.concat().is_empty())?;
        let others: Vec<_> = others.into_iter().filter(|pid| *pid != 1 && *pid != own).collect();
        for pid in &others {
            if let Some(pid) = i32::try_from(*pid).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        Ok(others.is_empty().then_some(()))
    };
    if let Err(error) = eventually("all processes end", is_over) {
        eprintln!("--- {error:#}");
    }
}

fn unmount_below(folder: &Path) {
    let own = folder.display().to_string();
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    for mount in mounts.lines().rev().filter_map(|line| line.split(' ').nth(1)) {
        if mount.starts_with(&own) {
            let _ = rustix::mount::unmount(mount, rustix::mount::UnmountFlags::DETACH);
        }
    }
}

/// Removes the pods' networks. They outlive their processes, and would keep the addresses that the
/// next cluster gives to its own pods.
fn remove_networks() -> Result<()> {
    unmount_below(Path::new("/run/netns"));
    let _ = fs::remove_dir_all("/run/netns");
    eventually("the pods' links are gone", || {
        let table = fs::read_to_string("/proc/self/net/dev")?;
        Ok((!table.contains("veth")).then_some(()))
    })
}

/// Removes the groups that a kubelet has made for its pods, of each controller.
fn remove_cgroups() -> Result<()> {
    let root = Path::new("/sys/fs/cgroup");
    let mut places = vec![root.join("kubepods")];
    places.extend(fs::read_dir(root)?.flatten().map(|entry| entry.path().join("kubepods")));
    for place in places.iter().filter(|place| place.is_dir()) {
        eventually("its processes' groups can be removed", || {
            remove_groups(place);
            Ok((!place.exists()).then_some(()))
        })?;
    }
    Ok(())
}

/// Innermost first; one whose last process has just ended may still be in use.
fn remove_groups(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_groups(&entry.path());
        }
    }
    let _ = fs::remove_dir(place);
}
