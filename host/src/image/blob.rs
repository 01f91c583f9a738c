//! Content of an image.

use anyhow::Result;
use serde_json::Value;

/// Content with its media type.
#[derive(Debug, Clone)]
pub struct Blob {
    /// The media type.
    pub kind: &'static str,
    /// The content.
    pub bytes: Vec<u8>,
}

impl Blob {
    /// A JSON document.
    ///
    /// # Errors
    /// None that a document of ours could have.
    pub fn from_json(kind: &'static str, document: &Value) -> Result<Self> {
        Ok(Self { kind, bytes: serde_json::to_vec(document)? })
    }
}
