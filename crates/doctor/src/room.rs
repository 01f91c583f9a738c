//! What the state lies on: whose it is, what kind of file system, how much room.

use crate::words::{bytes, number};
use crate::{Check, Finding};

/// Shares of a disk that are free, in percent, as the alerts `DiskNearlyFull` and `DiskLow` have
/// them. Of a large disk a few percent are plenty for long: then nothing is said.
const FULL_PERCENT: u64 = 5;
const LOW_PERCENT: u64 = 15;
const FULL_BYTES: u64 = 5_000_000_000;
const LOW_BYTES: u64 = 20_000_000_000;
/// A node needs some files beside each database, and those of its cache.
const FILES_MIN: u64 = 1_000;

/// Room on a file system.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Bytes that anybody may still write.
    pub free_bytes: u64,
    /// Its size.
    pub size_bytes: u64,
    /// Files that can still be made.
    pub free_files: u64,
    /// Files that it can have. 0: it does not count them.
    pub files: u64,
}

impl Room {
    /// Judges it.
    pub fn judge(self) -> Option<Finding> {
        let Self { free_bytes, size_bytes, free_files, files } = self;
        if files > 0 && free_files < FILES_MIN {
            return Some(Finding::wrong(
                Check::Disk,
                format!("The disk takes only {} more files, however small.", number(free_files)),
                "Something has made very many small files there: find and remove them (`du \
                 --inodes -x / | sort -n | tail`).",
            ));
        }
        let percent = free_bytes.saturating_mul(100).checked_div(size_bytes)?;
        let what = format!("Of the disk {} are free, {percent} %.", bytes(free_bytes));
        if percent < FULL_PERCENT && free_bytes < FULL_BYTES {
            return Some(Finding::wrong(
                Check::Disk,
                format!("{what} When it is full, new work of learners is refused."),
                "Make room now: remove what is not the node's, take back courses that nobody \
                 needs, or give it a larger disk. Never remove a .db file or what is beside it.",
            ));
        }
        (percent < LOW_PERCENT && free_bytes < LOW_BYTES).then(|| {
            let advice = "Make room in the next days. The setting storage_limit keeps the node from \
                          filling the disk.";
            Finding::warning(Check::Disk, what, advice)
        })
    }
}

/// Kinds of file systems that are unfit for databases, as `statfs` tells them: what each is
/// called, and why not.
const UNFIT: [(u64, &str, Why); 13] = [
    (0x6969, "NFS", Why::Network),
    (0xff53_4d42, "CIFS", Why::Network),
    (0xfe53_4d42, "SMB", Why::Network),
    (0x517b, "SMB", Why::Network),
    (0x00c3_6400, "Ceph", Why::Network),
    (0x5346_414f, "AFS", Why::Network),
    (0x0102_1997, "9P", Why::Network),
    (0x0102_1994, "tmpfs", Why::Memory),
    (0x8584_58f6, "ramfs", Why::Memory),
    (0x4d44, "FAT", Why::Old),
    (0x2011_bab0, "exFAT", Why::Old),
    (0x7371_7368, "squashfs", Why::ReadOnly),
    (0x9660, "ISO 9660", Why::ReadOnly),
];

#[derive(Clone, Copy)]
enum Why {
    Network,
    Memory,
    Old,
    ReadOnly,
}

/// Judges the kind of the file system under the state, by its magic number.
pub fn judge_kind(magic: u64) -> Option<Finding> {
    let (_, name, why) = UNFIT.iter().find(|(known, ..)| *known == magic)?;
    let why = match why {
        Why::Network => "is on another machine: databases break when the network does",
        Why::Memory => "is in memory: all is lost at the next restart of the machine",
        Why::Old => "knows no owners and loses files at a power cut",
        Why::ReadOnly => "cannot be written",
    };
    Some(Finding::wrong(
        Check::Filesystem,
        format!("The state is on {name}, which {why}."),
        "Stop the node, move its state to a disk of this machine (ext4 or XFS), and name the new \
         place with --state-dir.",
    ))
}

/// A file or folder of the state.
#[derive(Clone, Debug)]
pub struct Owned {
    /// Its path.
    pub path: String,
    /// The number of its owner.
    pub owner: u32,
    /// The number of its group.
    pub group: u32,
    /// Its permissions.
    pub mode: u32,
}

/// The right to write: of the owner, of the group, of all.
const OWNER_WRITES: u32 = 0o200;
const GROUP_WRITES: u32 = 0o020;
const ALL_WRITE: u32 = 0o002;

impl Owned {
    /// Whether whoever has this file may make others in that folder. A volume of Kubernetes is
    /// root's, and open to a group (`fsGroup`).
    fn may_be_in(&self, folder: &Self) -> bool {
        let is_of_group = folder.mode & GROUP_WRITES != 0 && folder.group == self.group;
        folder.owner == self.owner || is_of_group || folder.mode & ALL_WRITE != 0
    }
}

/// Judges whose the files are: all are to be of one account, who may write them and their folder.
pub fn judge_owners(folder: &Owned, files: &[Owned]) -> Option<Finding> {
    let is_shut = |one: &&Owned| one.mode & OWNER_WRITES == 0;
    if let Some(shut) = std::iter::once(folder).chain(files).find(is_shut) {
        return Some(Finding::wrong(
            Check::Permissions,
            format!("{} cannot be written by its owner: its mode is {:03o}.", shut.path, shut.mode),
            format!("Let its owner write it: `chmod u+rw {}`.", shut.path),
        ));
    }
    let account = files.first().filter(|file| file.may_be_in(folder));
    let account = account.map_or(folder.owner, |file| file.owner);
    let strange = files.iter().find(|file| file.owner != account)?;
    Some(Finding::wrong(
        Check::Permissions,
        format!(
            "{} belongs to user {}, what is around it to user {account}: whichever the node runs \
             as, it cannot use both.",
            strange.path, strange.owner
        ),
        format!(
            "Give all to the account that the node runs as: `chown -R {account} {}`.",
            folder.path
        ),
    ))
}

/// The state is on a file system that was mounted for reading only, or became so.
pub fn read_only(folder: &str) -> Finding {
    Finding::wrong(
        Check::Permissions,
        format!("The disk with {folder} can only be read."),
        "Look at the kernel's log (`dmesg`): a disk that fails is often made read-only. Otherwise \
         mount it for writing.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;

    fn room(free_bytes: u64, size_bytes: u64) -> Option<Finding> {
        Room { free_bytes, size_bytes, free_files: 100_000, files: 200_000 }.judge()
    }

    #[test]
    fn a_full_disk_is_wrong_and_one_that_fills_a_warning() {
        assert_eq!(room(20 * GB, 100 * GB), None);
        assert!(!room(14 * GB, 100 * GB).unwrap().is_wrong());
        assert!(room(4 * GB, 100 * GB).unwrap().is_wrong());
        assert_eq!(room(100 * GB, 4_000 * GB), None);
        let no_files = Room { free_bytes: GB, size_bytes: GB, free_files: 0, files: 9 };
        assert!(no_files.judge().unwrap().what.contains("0 more files"));
        assert_eq!(Room { files: 0, ..no_files }.judge(), None);
    }

    #[test]
    fn unfit_kinds_are_named() {
        assert!(judge_kind(0x6969).unwrap().what.contains("on NFS, which is on another machine"));
        assert_eq!(judge_kind(0xef53), None, "ext4");
    }

    #[test]
    fn owners_agree() {
        let owned =
            |path: &str, owner, mode| Owned { path: path.to_owned(), owner, group: owner, mode };
        let folder = owned("/state", 7, 0o755);
        assert_eq!(judge_owners(&folder, &[owned("a.db", 7, 0o600)]), None);
        let found = judge_owners(&folder, &[owned("a.db", 7, 0o400)]).unwrap();
        assert!(found.what.contains("a.db cannot be written by its owner: its mode is 400"));
        let found = judge_owners(&folder, &[owned("a.db", 0, 0o600)]).unwrap();
        assert!(found.advice.contains("chown -R 7 /state"));
    }

    #[test]
    fn a_folder_may_be_shared_with_the_group_of_its_files() {
        let owned = |owner, group, mode| Owned { path: "a".to_owned(), owner, group, mode };
        // As a kubelet leaves a volume with an `fsGroup`, and as a provisioner may.
        let (volume, open) = (owned(0, 7, 0o2775), owned(0, 0, 0o777));
        let (file, other) = (owned(7, 7, 0o644), owned(8, 7, 0o644));
        let files = [file.clone(), file.clone()];
        assert_eq!(judge_owners(&volume, &files), None);
        assert_eq!(judge_owners(&open, &files), None);
        assert!(judge_owners(&volume, &[file, other]).is_some());
        assert!(judge_owners(&owned(0, 7, 0o2755), &files).is_some(), "it is shut");
        assert!(judge_owners(&owned(0, 0, 0o775), &files).is_some(), "another group's");
    }
}
