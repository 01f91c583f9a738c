//! Layers: archives of files that do not depend on when and by whom they were made.

use std::io::Write;

use anyhow::Result;
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use super::layout::Blob;

/// What a layer is, compressed (OCI image specification, "Image Layer Filesystem Changeset").
const KIND: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// A file or folder of a layer.
#[derive(Debug, Clone)]
pub struct Entry {
    path: String,
    /// None: a folder.
    content: Option<Vec<u8>>,
    owner: u64,
}

impl Entry {
    /// A file that everyone can read.
    pub fn file(path: &str, content: Vec<u8>) -> Self {
        Self { path: path.to_owned(), content: Some(content), owner: 0 }
    }

    /// A folder that everyone can look into.
    pub fn folder(path: &str) -> Self {
        Self { path: format!("{path}/"), content: None, owner: 0 }
    }

    /// Gives it to a user.
    pub fn owned_by(mut self, user: u64) -> Self {
        self.owner = user;
        self
    }
}

/// A layer.
#[derive(Debug, Clone)]
pub struct Layer {
    /// What it brings, for people.
    pub title: String,
    /// The SHA-256 of the archive before it was compressed.
    pub diff_id: String,
    /// It, compressed.
    pub blob: Blob,
}

impl Layer {
    /// Packs entries.
    ///
    /// # Errors
    /// For paths that an archive cannot have.
    pub fn of(title: &str, entries: Vec<Entry>) -> Result<Self> {
        let archive = archive(entries)?;
        let diff_id = format!("sha256:{:x}", Sha256::digest(&archive));
        let mut packed = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
        packed.write_all(&archive)?;
        let blob = Blob { kind: KIND, bytes: packed.finish()? };
        Ok(Self { title: title.to_owned(), diff_id, blob })
    }
}

/// An archive in which everything was made at the beginning of 1970.
pub fn archive(entries: Vec<Entry>) -> Result<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    for Entry { path, content, owner } in entries {
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
