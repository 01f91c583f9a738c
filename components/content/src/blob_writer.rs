//! Files on their way into the store.

use hedgeschool_web::Problem;

use crate::store;

/// A larger file is stored as pieces of this size, in bytes. The store joins 16,384 of them at
/// most, which is the largest package's 16 GiB.
pub const PIECE_BYTES: usize = 1 << 20;
/// What one call to the store may hold, in bytes and blobs.
const BATCH_BYTES_MAX: usize = 1 << 20;
const BATCH_BLOBS_MAX: usize = 256;

/// Pieces of files, gathered so that many small files cost one call and one commit.
pub struct BlobWriter {
    /// The upload that they are stored for.
    upload: String,
    /// The blob of each file that is stored, in order.
    files: Vec<String>,
    /// The blobs of the file that is being stored, as far as they are.
    parts: Vec<String>,
    /// Pieces not yet stored: whole files, and one of a larger file at most.
    waiting: Vec<Vec<u8>>,
}

impl BlobWriter {
    /// Nothing yet, for an upload.
    pub fn new(upload: &str) -> Self {
        let (files, parts, waiting) = Default::default();
        Self { upload: upload.to_owned(), files, parts, waiting }
    }

    /// Takes a file that is one piece.
    pub async fn put_file(&mut self, bytes: Vec<u8>) -> Result<(), Problem> {
        let waiting: usize = self.waiting.iter().map(Vec::len).sum();
        if waiting + bytes.len() > BATCH_BYTES_MAX || self.waiting.len() == BATCH_BLOBS_MAX {
            self.flush_batch().await?;
        }
        self.waiting.push(bytes);
        Ok(())
    }

    /// Takes a piece of a larger file.
    pub async fn put_piece(&mut self, bytes: Vec<u8>) -> Result<(), Problem> {
        self.flush_batch().await?;
        self.parts.extend(store::put_blobs(vec![bytes], Some(self.upload.clone())).await?);
        Ok(())
    }

    /// Joins some of the pieces that were put last to a file. True: it is stored.
    pub async fn join_pieces(&mut self) -> Result<bool, Problem> {
        let joined = store::join_blobs(self.parts.clone(), Some(self.upload.clone())).await?;
        let Some(hash) = joined else { return Ok(false) };
        self.files.push(hash);
        self.parts.clear();
        Ok(true)
    }

    /// Stores the rest, and answers each file's blob.
    pub async fn finish(mut self) -> Result<Vec<String>, Problem> {
        self.flush_batch().await?;
        Ok(self.files)
    }

    async fn flush_batch(&mut self) -> Result<(), Problem> {
        let pieces = std::mem::take(&mut self.waiting);
        if !pieces.is_empty() {
            self.files.extend(store::put_blobs(pieces, Some(self.upload.clone())).await?);
        }
        Ok(())
    }
}
