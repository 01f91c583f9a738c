//! Layers: compressed archives, by their digests.

use std::io::Write;

use anyhow::Result;
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

use super::archive::{ArchiveEntry, pack_archive};
use super::blob::Blob;

/// What a layer is, compressed (OCI image specification, "Image Layer Filesystem Changeset").
const KIND: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

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
    pub fn pack_entries(title: &str, entries: Vec<ArchiveEntry>) -> Result<Self> {
        let archive = pack_archive(entries)?;
        let diff_id = format!("sha256:{:x}", Sha256::digest(&archive));
        let mut packed = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
        packed.write_all(&archive)?;
        let blob = Blob { kind: KIND, bytes: packed.finish()? };
        Ok(Self { title: title.to_owned(), diff_id, blob })
    }
}
