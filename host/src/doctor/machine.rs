//! What the state lies on.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use hedgeschool_doctor::room::{self, Owned, Room};
use hedgeschool_doctor::{Check, Report};
use rustix::fs::{StatVfsMountFlags, statfs, statvfs};

use super::subject::Subject;
use crate::paths::path_beside;

/// What lies beside a database.
const ENDINGS: [&str; 4] = ["", "-wal", "-shm", ".lock"];

/// Looks at each folder with a database in it, or the one in which it would be made.
pub fn probe_machine(subject: &Subject, report: &mut Report) {
    let folders: BTreeSet<PathBuf> =
        subject.files.keys().filter_map(|file| existing_folder(file)).collect();
    for folder in folders {
        probe_folder(&folder, subject, report);
    }
}

/// The folder of a file, or what there is of its path.
fn existing_folder(file: &Path) -> Option<PathBuf> {
    file.ancestors().skip(1).find(|folder| folder.is_dir()).map(Path::to_owned)
}

fn probe_folder(folder: &Path, subject: &Subject, report: &mut Report) {
    let name = folder.display().to_string();
    if let Ok(kind) = statfs(folder) {
        // The number is of 32 bits, and of a signed type on some machines.
        report.saw(Check::Filesystem, room::judge_kind(kind.f_type as u64 & 0xffff_ffff));
    }
    if let Ok(disk) = statvfs(folder) {
        let room = Room {
            free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
            size_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
            free_files: disk.f_favail,
            files: disk.f_files,
        };
        report.saw(Check::Disk, room.judge());
        if disk.f_flag.contains(StatVfsMountFlags::RDONLY) {
            return report.saw(Check::Permissions, [room::read_only(&name)]);
        }
    }
    let files = subject.files.keys().filter(|file| file.parent() == Some(folder));
    let files = files.flat_map(|file| ENDINGS.map(|ending| path_beside(file, ending)));
    let files: Vec<_> = files.filter_map(|file| read_owner(&file)).collect();
    if let Some(folder) = read_owner(folder) {
        report.saw(Check::Permissions, room::judge_owners(&folder, &files));
    }
}

fn read_owner(path: &Path) -> Option<Owned> {
    let file = fs::metadata(path).ok()?;
    let (path, mode) = (path.display().to_string(), file.mode() & 0o7777);
    Some(Owned { path, owner: file.uid(), group: file.gid(), mode })
}
