use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use tempfile::TempDir;

use crate::repository;

/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// The disk under a folder: when power is lost, so is what no program had synced. Works through a
/// library preloaded into the program, whose own page (`tests/bad-machine`) says what counts as
/// synced.
pub struct Disk {
    folder: PathBuf,
    shadow: TempDir,
}

impl Disk {
    /// The disk under a folder without folders in it. Whatever is there counts as synced.
    pub fn under(folder: &Path) -> Result<Self> {
        let disk = Self { folder: folder.to_owned(), shadow: TempDir::new()? };
        disk.reset()?;
        Ok(disk)
    }

    /// What a program's environment needs so that it works on this disk.
    pub fn environment(&self) -> Result<Vec<(String, String)>> {
        let shadow = self.shadow.path();
        let folders = [("HEDGE_DISK_FOLDER", self.folder.as_path()), ("HEDGE_DISK_SHADOW", shadow)];
        let folders = folders.map(|(name, path)| (name.to_owned(), path.display().to_string()));
        Ok([preload()?].into_iter().chain(folders).collect())
    }

    /// The same, for a disk that acknowledges every sync and keeps none: who trusts it loses.
    pub fn lying_environment(&self) -> Result<Vec<(String, String)>> {
        let mut environment = self.environment()?;
        environment.push(("HEDGE_DISK_LIES".into(), "1".into()));
        Ok(environment)
    }

    /// Takes away, from a folder whose programs were killed, what was not synced.
    pub fn lose_power(&self) -> Result<()> {
        self.replace(|name, fresh| {
            let durable = self.names().join(name);
            if durable.is_file() { copy(&durable, fresh) } else { Ok(()) }
        })
    }

    /// As [`Disk::lose_power`], but the disk happened to write some of what was not synced before
    /// the power was gone: any names, any lengths and any sectors.
    pub fn lose_power_torn(&self, random: &mut impl Rng) -> Result<()> {
        self.replace(|name, fresh| {
            let (now, durable) = (self.folder.join(name), self.names().join(name));
            let content = self.contents().join(inode(&now).unwrap_or_default().to_string());
            let is_same_file = inode(&durable).is_some() && inode(&durable) == inode(&content);
            if is_same_file || random.random() {
                return if now.is_file() { mix(&content, &now, fresh, random) } else { Ok(()) };
            }
            if durable.is_file() { copy(&durable, fresh) } else { Ok(()) }
        })
    }

    /// Replaces each file of the folder by what `make` writes at its second argument, if anything.
    fn replace(&self, mut make: impl FnMut(&str, &Path) -> Result<()>) -> Result<()> {
        let fresh = TempDir::new_in(self.shadow.path())?;
        for name in &file_names(&self.folder)? | &file_names(&self.names())? {
            make(&name, &fresh.path().join(&name)).context(name)?;
        }
        copy_files(fresh.path(), &self.folder)?;
        self.reset()
    }

    /// Begins a new shadow.
    fn reset(&self) -> Result<()> {
        for folder in [self.names(), self.contents()] {
            fs::create_dir_all(&folder)?;
            remove_files(&folder)?;
        }
        copy_files(&self.folder, &self.names())
    }

    /// The folder as it is durable.
    fn names(&self) -> PathBuf {
        self.shadow.path().join("names")
    }

    /// What is durable of the folder's files, by their inodes.
    fn contents(&self) -> PathBuf {
        self.shadow.path().join("contents")
    }
}

/// What a program's environment needs so that each of its syncs takes this much longer.
pub fn slow_disk(sync_delay: Duration) -> Result<Vec<(String, String)>> {
    let delay = ("HEDGE_DISK_SYNC_DELAY_US".into(), sync_delay.as_micros().to_string());
    Ok(vec![preload()?, delay])
}

/// What can go wrong with the machine under a node while it runs: its clock, and the room on its
/// disk.
pub struct Machine {
    folder: PathBuf,
    switches: TempDir,
}

impl Machine {
    /// The machine under a folder, in order.
    pub fn under(folder: &Path) -> Result<Self> {
        let machine = Self { folder: folder.to_owned(), switches: TempDir::new()? };
        fs::write(machine.file(), [0; 16])?;
        Ok(machine)
    }

    /// What a program's environment needs so that it runs on this machine.
    pub fn environment(&self) -> Result<Vec<(String, String)>> {
        let set = |name: &str, path: &Path| (name.to_owned(), path.display().to_string());
        let switches = set("HEDGE_MACHINE_SWITCHES", &self.file());
        Ok(vec![preload()?, set("HEDGE_DISK_FOLDER", &self.folder), switches])
    }

    /// Makes the clock tell this many seconds more than the real one.
    pub fn set_clock(&self, seconds: i64) -> Result<()> {
        self.switch(0, seconds)
    }

    /// Fills the disk, or makes room again.
    pub fn fill_disk(&self, is_full: bool) -> Result<()> {
        self.switch(8, i64::from(is_full))
    }

    /// In place, for the program has the file mapped.
    fn switch(&self, at: u64, value: i64) -> Result<()> {
        let file = fs::OpenOptions::new().write(true).open(self.file())?;
        Ok(file.write_all_at(&value.to_ne_bytes(), at)?)
    }

    fn file(&self) -> PathBuf {
        self.switches.path().join("switches")
    }
}

/// The variable that has the loader load the library into a program.
fn preload() -> Result<(String, String)> {
    let library = repository("target/host/examples/libbad_machine.so");
    ensure!(library.is_file(), "{} is missing: `cargo xtask test` builds it", library.display());
    let others = env::var("LD_PRELOAD").unwrap_or_default();
    Ok(("LD_PRELOAD".into(), format!("{} {others}", library.display()).trim_end().to_owned()))
}

/// Writes a file that is partly as it was synced, partly as it was written since.
fn mix(synced: &Path, written: &Path, to: &Path, random: &mut impl Rng) -> Result<()> {
    let sources = [fs::read(synced).unwrap_or_default(), fs::read(written)?];
    let mut lengths = sources.each_ref().map(Vec::len);
    lengths.sort_unstable();
    let [least, most] = lengths;
    // One of the two more often than not: a length is written in one go.
    let length = [least, most, random.random_range(least..=most)];
    let mut mixed = vec![0; length.choose(random).copied().unwrap_or(most)];
    // From hardly anything to nearly everything.
    let share_written = random.random();
    for (number, sector) in mixed.chunks_mut(SECTOR_BYTES).enumerate() {
        let [synced, written] = &sources;
        let source = if random.random_bool(share_written) { written } else { synced };
        let bytes = source.iter().skip(number * SECTOR_BYTES);
        sector.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    }
    Ok(fs::write(to, mixed)?)
}

fn copy_files(from: &Path, to: &Path) -> Result<()> {
    remove_files(to)?;
    for name in file_names(from)? {
        copy(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("copying {}", from.display())).map(drop)
}

fn remove_files(folder: &Path) -> Result<()> {
    for name in file_names(folder)? {
        fs::remove_file(folder.join(name))?;
    }
    Ok(())
}

fn file_names(folder: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            names.insert(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

fn inode(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|metadata| metadata.ino())
}
