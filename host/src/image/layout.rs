//! The OCI image layout: content by its SHA-256, and an index that says what it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::archive::{ArchiveEntry, pack_archive};
use super::blob::Blob;

/// An index of images (OCI image specification, "Image Index").
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A layout that is being written.
#[derive(Debug)]
pub struct Layout {
    folder: PathBuf,
    /// Its files, by their paths in it.
    files: BTreeMap<String, PathBuf>,
}

impl Layout {
    /// An empty layout in `folder`; an earlier one there is removed.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn in_folder(folder: &Path) -> Result<Self> {
        let context = || format!("the folder {}", folder.display());
        if folder.join("oci-layout").exists() {
            fs::remove_dir_all(folder).with_context(context)?;
        }
        fs::create_dir_all(folder.join("blobs/sha256")).with_context(context)?;
        Ok(Self { folder: folder.to_owned(), files: BTreeMap::new() })
    }

    /// Adds content, and answers its descriptor.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_blob(&mut self, blob: &Blob) -> Result<Value> {
        let hash = format!("{:x}", Sha256::digest(&blob.bytes));
        self.write_file(&format!("blobs/sha256/{hash}"), &blob.bytes)?;
        Ok(json!({
            "mediaType": blob.kind,
            "digest": format!("sha256:{hash}"),
            "size": blob.bytes.len(),
        }))
    }

    fn write_file(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        let file = self.folder.join(path);
        fs::write(&file, bytes).with_context(|| format!("writing {}", file.display()))?;
        self.files.insert(path.to_owned(), file);
        Ok(())
    }

    /// Writes the index: one image under a name, for each family of processors. Answers the
    /// image's digest.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish_image(&mut self, manifests: &[Value], reference: &str) -> Result<String> {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        let image = self.add_blob(&Blob::from_json(INDEX, &index)?)?;
        let digest = image.get("digest").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.write_index(image, reference)?;
        Ok(digest)
    }

    /// Says which of its contents is the image, and what that is called.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_index(&mut self, mut image: Value, reference: &str) -> Result<()> {
        if let Some(image) = image.as_object_mut() {
            let tag = reference.rsplit_once(':').map_or(reference, |(_, tag)| tag);
            let names = json!({
                "io.containerd.image.name": reference,
                "org.opencontainers.image.ref.name": tag,
            });
            image.insert("annotations".to_owned(), names);
        }
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [image]});
        self.write_file("index.json", &serde_json::to_vec(&index)?)?;
        self.write_file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)
    }

    /// Writes it as one archive, without the blobs that are known.
    ///
    /// # Errors
    /// When a file cannot be read or the archive not be written.
    pub fn write_archive(&self, path: &Path, known: &BTreeSet<String>) -> Result<()> {
        let mut entries =
            vec![ArchiveEntry::new_folder("blobs"), ArchiveEntry::new_folder("blobs/sha256")];
        let is_known = |path: &str| path.rsplit_once('/').is_some_and(|it| known.contains(it.1));
        for (path, file) in self.files.iter().filter(|(path, _)| !is_known(path)) {
            entries.push(ArchiveEntry::new_file(path, fs::read(file)?));
        }
        let packed = pack_archive(entries)?;
        fs::write(path, packed).with_context(|| format!("writing {}", path.display()))
    }
}
