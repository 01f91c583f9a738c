//! The bytes of an upload, a part at a time.

use std::ops::Range;

use hedgeschool_web::Problem;

use crate::store::uploads;
use crate::upload::no_such_upload;

/// How much is read at a time, in bytes.
const WINDOW_BYTES: u32 = 1 << 20;

/// An upload that is read mostly from its beginning to its end.
pub struct UploadReader {
    upload: String,
    /// Where the part that is here begins.
    start: u64,
    window: Vec<u8>,
}

impl UploadReader {
    /// The upload with an id.
    pub fn new(upload: &str) -> Self {
        Self { upload: upload.to_owned(), start: 0, window: Vec::new() }
    }

    /// A part of at most 1 MiB, all of it; shorter at the upload's end.
    pub async fn read_range(&mut self, range: &Range<u64>) -> Result<Vec<u8>, Problem> {
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        if self.window_slice(range.start, length).len() < length {
            self.load_window(range.start).await?;
        }
        Ok(self.window_slice(range.start, length).to_vec())
    }

    /// Some bytes from a place on, at most so many; none at the upload's end.
    pub async fn read_some(&mut self, start: u64, most: usize) -> Result<&[u8], Problem> {
        if self.window_slice(start, most).is_empty() {
            self.load_window(start).await?;
        }
        Ok(self.window_slice(start, most))
    }

    fn window_slice(&self, start: u64, most: usize) -> &[u8] {
        let offset = start.checked_sub(self.start).and_then(|offset| usize::try_from(offset).ok());
        let rest = offset.and_then(|offset| self.window.get(offset..)).unwrap_or_default();
        rest.get(..most.min(rest.len())).unwrap_or_default()
    }

    async fn load_window(&mut self, start: u64) -> Result<(), Problem> {
        // First, so that two are never here at a time.
        self.window = Vec::new();
        self.window = uploads::read(self.upload.clone(), start, WINDOW_BYTES)
            .await?
            .ok_or_else(no_such_upload)?;
        self.start = start;
        Ok(())
    }
}
