//! A container's root file system, as containerd's snapshotter describes it.

use std::ffi::CString;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use containerd_shim_protos::types::mount::Mount;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::error::{Error, Result};

/// Options that are flags of the system call, and whether they set or clear one.
const FLAGS: [(&str, MountFlags, bool); 12] = [
    ("ro", MountFlags::RDONLY, true),
    ("rw", MountFlags::RDONLY, false),
    ("nosuid", MountFlags::NOSUID, true),
    ("suid", MountFlags::NOSUID, false),
    ("nodev", MountFlags::NODEV, true),
    ("dev", MountFlags::NODEV, false),
    ("noexec", MountFlags::NOEXEC, true),
    ("exec", MountFlags::NOEXEC, false),
    ("noatime", MountFlags::NOATIME, true),
    ("relatime", MountFlags::RELATIME, true),
    ("bind", MountFlags::BIND, true),
    ("rbind", MountFlags::BIND, true),
];
/// Bytes of options that the system takes, with room for what it adds.
const OPTIONS_MAX: usize = 4000;

/// Mounts what makes up a container's files at `target`, which is made.
///
/// # Errors
/// When the system refuses one of the mounts.
pub fn mount_root(mounts: &[Mount], target: &Path) -> Result<()> {
    if mounts.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(target).map_err(Error::file("making", target))?;
    mounts.iter().try_for_each(|one| mount_one(one, target))
}

/// Takes away all that is mounted at `target`; nothing is fine too.
pub fn unmount_root(target: &Path) {
    while unmount(target, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW).is_ok() {}
}

fn mount_one(one: &Mount, target: &Path) -> Result<()> {
    let (flags, data) = split_options(&one.options);
    let refused = Error::file("mounting the container's files at", target);
    if data.len() <= OPTIONS_MAX {
        let data = CString::new(data).map_err(|error| refused(error.into()))?;
        return mount(&one.source, target, &one.type_, flags, Some(data.as_c_str()))
            .map_err(|error| refused(error.into()));
    }
    // Options of many layers are longer than the system takes: named from their common folder,
    // which only a thread of its own can make its working directory, they are shorter.
    let (folder, data) = shorten_layers(&data);
    let (source, kind, target) = (one.source.clone(), one.type_.clone(), target.to_owned());
    let mounting = thread::spawn(move || -> std::io::Result<()> {
        // SAFETY: only the file system attributes are unshared, and the thread ends here.
        unsafe { unshare_unsafe(UnshareFlags::FS) }?;
        rustix::process::chdir(&folder)?;
        Ok(mount(&source, &target, &kind, flags, Some(CString::new(data)?.as_c_str()))?)
    });
    let mounted = mounting.join();
    mounted.unwrap_or_else(|_| Err(std::io::Error::other("a thread panicked"))).map_err(refused)
}

fn split_options(options: &[String]) -> (MountFlags, String) {
    let mut flags = MountFlags::empty();
    let mut data = Vec::new();
    for option in options {
        match FLAGS.iter().find(|(name, _, _)| name == option) {
            Some((_, flag, is_set)) => flags.set(*flag, *is_set),
            None => data.push(option.as_str()),
        }
    }
    (flags, data.join(","))
}

/// The common folder of the layers that overlay options name, and the options from there.
fn shorten_layers(data: &str) -> (PathBuf, String) {
    let lower = data.split(',').find_map(|option| option.strip_prefix("lowerdir="));
    let lowest = lower.and_then(|layers| layers.split(':').next()).unwrap_or_default();
    // A snapshotter keeps layers as FOLDER/ID/fs.
    let folder = Path::new(lowest).ancestors().nth(2).unwrap_or(Path::new("/")).to_owned();
    let prefix = format!("{}/", folder.display());
    let shortened: Vec<_> = data
        .split(',')
        .map(|option| match option.strip_prefix("lowerdir=") {
            Some(layers) => format!("lowerdir={}", layers.replace(&prefix, "")),
            None => option.to_owned(),
        })
        .collect();
    (folder, shortened.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_data_are_told_apart() {
        let options = ["ro", "nosuid", "lowerdir=/a:/b", "rw", "index=off"].map(str::to_owned);
        let (flags, data) = split_options(&options);
        assert_eq!(flags, MountFlags::NOSUID);
        assert_eq!(data, "lowerdir=/a:/b,index=off");
    }

    #[test]
    fn many_layers_are_named_from_their_common_folder() {
        let layers: Vec<_> = (0..200).map(|id| format!("/var/lib/c/snapshots/{id}/fs")).collect();
        let data = format!("index=off,upperdir=/u,lowerdir={}", layers.join(":"));
        let (folder, shortened) = shorten_layers(&data);
        assert_eq!(folder, Path::new("/var/lib/c/snapshots"));
        assert!(shortened.starts_with("index=off,upperdir=/u,lowerdir=0/fs:1/fs:2/fs"));
        assert!(shortened.len() < OPTIONS_MAX && data.len() > OPTIONS_MAX);
    }
}
