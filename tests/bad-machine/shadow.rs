//! The durable state of a folder.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsString, c_int};
use std::fs::{self, DirEntry, File, Metadata, OpenOptions};
use std::io;
use std::mem;
use std::os::fd::FromRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Disks write sectors whole or not at all.
const SECTOR_BYTES: u64 = 512;

/// Tells new names apart.
static LINKS: AtomicU64 = AtomicU64::new(0);

/// What identifies a file whatever it is called: device and inode.
type Identity = (u64, u64);

/// A folder as a disk would hold it, beside the folder itself.
///
/// Writes into the shadow come through the hooks again. They find it outside the folder and do
/// nothing; so no lock of [`Shadow::files`] may be held meanwhile.
pub struct Shadow {
    folder: PathBuf,
    names: PathBuf,
    contents: PathBuf,
    files: Mutex<HashMap<Identity, Arc<Watched>>>,
}

/// A file of the folder.
struct Watched {
    /// Held open for ever. That keeps the inode from being used for another file; and it must not
    /// be closed, since that would release the locks that the program has on the file.
    real: File,
    /// What is durable of it.
    durable: File,
    unsynced: Mutex<Unsynced>,
}

/// What has happened to a file since it was synced.
struct Unsynced {
    /// Numbers of the sectors written to.
    sectors: BTreeSet<u64>,
    /// The least length it has had: what was beyond is zero now, or written anew.
    least: u64,
}

impl Shadow {
    /// The shadow of a folder whose files are durable as they are, and copied to `shadow/names`.
    pub fn open(folder: &Path, shadow: &Path) -> io::Result<Self> {
        let (names, contents) = (shadow.join("names"), shadow.join("contents"));
        let files = Mutex::default();
        let shadow = Self { folder: folder.canonicalize()?, names, contents, files };
        fs::create_dir_all(&shadow.contents)?;
        shadow.adopt(&shadow.folder, &shadow.names)?;
        Ok(shadow)
    }

    /// Watches the files that are there from the start.
    fn adopt(&self, folder: &Path, names: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (metadata, name) = (entry.metadata()?, names.join(entry.file_name()));
            if metadata.is_dir() {
                self.adopt(&entry.path(), &name)?;
            } else if metadata.is_file() && name.is_file() {
                let content = self.content(&metadata);
                match fs::hard_link(&name, &content) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(error);
                    }
                    _ => self.watch(&entry.path(), &metadata)?,
                };
            }
        }
        Ok(())
    }

    /// Notes that so many bytes were written, up to `end`.
    pub fn wrote(&self, fd: c_int, count: u64, end: impl FnOnce() -> u64) -> io::Result<()> {
        let Some(file) = self.find(fd)? else { return Ok(()) };
        let end = end();
        let sectors = (end - count) / SECTOR_BYTES..=(end - 1) / SECTOR_BYTES;
        lock(&file.unsynced).sectors.extend(sectors);
        Ok(())
    }

    /// Notes that a file has this length now.
    pub fn truncated(&self, fd: c_int, length: u64) -> io::Result<()> {
        let Some(file) = self.find(fd)? else { return Ok(()) };
        let mut unsynced = lock(&file.unsynced);
        unsynced.least = unsynced.least.min(length);
        Ok(())
    }

    /// Makes a file's bytes, or a folder's names, durable.
    pub fn sync(&self, fd: c_int) -> io::Result<()> {
        if let Some(file) = self.find(fd)? {
            return file.sync();
        }
        let Ok(path) = fs::read_link(link_to(fd)) else { return Ok(()) };
        match path.strip_prefix(&self.folder) {
            Ok(below) if path.is_dir() => self.sync_names(&path, &self.names.join(below)),
            _ => Ok(()),
        }
    }

    /// The file behind a descriptor, if it is one of the folder's.
    fn find(&self, fd: c_int) -> io::Result<Option<Arc<Watched>>> {
        let Some(metadata) = metadata(fd).filter(Metadata::is_file) else { return Ok(None) };
        if let Some(file) = lock(&self.files).get(&identity(&metadata)) {
            return Ok(Some(Arc::clone(file)));
        }
        if !fs::read_link(link_to(fd))?.starts_with(&self.folder) {
            return Ok(None);
        }
        self.watch(&link_to(fd), &metadata).map(Some)
    }

    /// Watches a file; one that is new has nothing durable yet.
    fn watch(&self, path: &Path, metadata: &Metadata) -> io::Result<Arc<Watched>> {
        let mut files = lock(&self.files);
        if let Some(file) = files.get(&identity(metadata)) {
            return Ok(Arc::clone(file));
        }
        let mut open = OpenOptions::new();
        open.read(true).write(true).create(true).truncate(false);
        let durable = open.open(self.content(metadata))?;
        let least = durable.metadata()?.len();
        let unsynced = Mutex::new(Unsynced { sectors: BTreeSet::new(), least });
        let file = Arc::new(Watched { real: File::open(path)?, durable, unsynced });
        files.insert(identity(metadata), Arc::clone(&file));
        Ok(file)
    }

    /// Makes the names in a folder what they are now.
    fn sync_names(&self, folder: &Path, names: &Path) -> io::Result<()> {
        fs::create_dir_all(names)?;
        let mut there = HashSet::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            match self.sync_name(&entry, &names.join(entry.file_name())) {
                // Removed while we looked.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                synced => synced?,
            }
            there.insert(entry.file_name());
        }
        remove_others(names, &there)
    }

    /// Makes one name durable.
    fn sync_name(&self, entry: &DirEntry, name: &Path) -> io::Result<()> {
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            return fs::create_dir_all(name);
        }
        if !metadata.is_file() {
            return Ok(());
        }
        self.watch(&entry.path(), &metadata)?;
        let content = self.content(&metadata);
        let inode = fs::metadata(&content)?.ino();
        if fs::metadata(name).is_ok_and(|named| named.ino() == inode) {
            return Ok(());
        }
        // In one step, for the program may be killed in the middle of this.
        // Under a name of its own, for other threads may sync the folder at the same time.
        let number = LINKS.fetch_add(1, Ordering::Relaxed);
        let fresh = content.with_extension(format!("new{number}"));
        fs::hard_link(content, &fresh)?;
        fs::rename(&fresh, name)?;
        // One that another thread has given the name meanwhile stays where it was.
        let _ = fs::remove_file(fresh);
        Ok(())
    }

    /// Where the durable content of a file is.
    fn content(&self, metadata: &Metadata) -> PathBuf {
        self.contents.join(metadata.ino().to_string())
    }
}

impl Watched {
    /// Makes durable whatever was written before this call. Whoever syncs meanwhile waits: it may
    /// have written some of it.
    fn sync(&self) -> io::Result<()> {
        let mut unsynced = lock(&self.unsynced);
        let length = self.real.metadata()?.len();
        self.durable.set_len(unsynced.least.min(length))?;
        self.durable.set_len(length)?;
        unsynced.least = length;
        for sector in mem::take(&mut unsynced.sectors) {
            let mut bytes = [0; SECTOR_BYTES as usize];
            let at = sector * SECTOR_BYTES;
            let read = self.real.read_at(&mut bytes, at)?;
            let within = length.saturating_sub(at).min(read as u64) as usize;
            self.durable.write_all_at(bytes.get(..within).unwrap_or_default(), at)?;
        }
        Ok(())
    }
}

fn remove_others(names: &Path, there: &HashSet<OsString>) -> io::Result<()> {
    for entry in fs::read_dir(names)? {
        let entry = entry?;
        if there.contains(&entry.file_name()) {
            continue;
        }
        if entry.metadata()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// What the system knows of an open file.
fn metadata(fd: c_int) -> Option<Metadata> {
    if fd < 0 {
        return None;
    }
    // SAFETY: the program has passed this descriptor to a call of its own; it is not closed here.
    let file = mem::ManuallyDrop::new(unsafe { File::from_raw_fd(fd) });
    file.metadata().ok()
}

fn link_to(fd: c_int) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{fd}"))
}

fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
