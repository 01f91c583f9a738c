//! Files and folders that nobody else may read, whatever the umask: databases hold what learners
//! did, and hashes of passwords.
//!
//! A folder that is open to its group, and has new files be that group's (its setgid bit is set),
//! is shared, as a volume of Kubernetes is with the group of its pods (`fsGroup`): what is made
//! there is the group's too. What exists keeps the mode that it has.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

/// Of a folder that is shared with its group: who makes a file there makes it for the group, which
/// may write.
const SHARED: u32 = 0o2020;

/// The mode of a new file in a folder: 0600, or 0660 if the folder is shared with its group.
#[must_use]
pub fn file_mode(folder: &Path) -> u32 {
    if is_shared(folder) { 0o660 } else { 0o600 }
}

/// Makes a folder and those above it that are missing, so that they survive a power cut, as the
/// files in them do. Each is 0700, or 0770 if the one above it is shared with its group.
///
/// # Errors
/// When one cannot be made.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let Some(parent) = folder.parent() else { return Ok(()) };
    create_folder(parent)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        // Somebody else has made it meanwhile.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            if is_shared(parent) {
                fs::set_permissions(folder, Permissions::from_mode(SHARED | 0o770))?;
            }
            File::open(parent)?.sync_all()
        }
    }
}

fn is_shared(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|folder| folder.permissions().mode() & SHARED == SHARED)
}
