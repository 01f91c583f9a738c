//! Archives of files, which do not depend on when and by whom they were made.

use anyhow::Result;
use tar::{Builder, EntryType, Header};

/// A file or folder of a layer.
#[derive(Debug, Clone)]
pub struct ArchiveEntry {
    path: String,
    /// None: a folder.
    content: Option<Vec<u8>>,
    owner: u64,
}

impl ArchiveEntry {
    /// A file that everyone can read.
    pub fn new_file(path: &str, content: Vec<u8>) -> Self {
        Self { path: path.to_owned(), content: Some(content), owner: 0 }
    }

    /// A folder that everyone can look into.
    pub fn new_folder(path: &str) -> Self {
        Self { path: format!("{path}/"), content: None, owner: 0 }
    }

    /// Gives it to a user.
    pub fn owned_by(mut self, user: u64) -> Self {
        self.owner = user;
        self
    }
}

/// An archive in which everything was made at the beginning of 1970.
pub fn pack_archive(entries: Vec<ArchiveEntry>) -> Result<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    for ArchiveEntry { path, content, owner } in entries {
        let mut header = Header::new_ustar();
        let (kind, mode) = match content {
            Some(_) => (EntryType::Regular, 0o644),
            None => (EntryType::Directory, 0o755),
        };
        let content = content.unwrap_or_default();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_mtime(0);
        header.set_uid(owner);
        header.set_gid(owner);
        header.set_size(u64::try_from(content.len())?);
        archive.append_data(&mut header, &path, content.as_slice())?;
    }
    Ok(archive.into_inner()?)
}
