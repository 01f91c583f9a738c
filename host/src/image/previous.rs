//! An image that nodes have already, and what an update of it can do without.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// How the title of a layer of compiled code begins; the component and the code's key follow.
pub(super) const COMPILED: &str = "compiled ";

/// What an earlier image has.
#[derive(Debug, Default)]
pub struct PreviousImage {
    /// The names of its blobs.
    pub blobs: BTreeSet<String>,
    /// The keys of its compiled code.
    keys: BTreeSet<String>,
}

impl PreviousImage {
    /// Reads the image that an earlier call wrote into `output`.
    ///
    /// # Errors
    /// When there is none.
    pub fn read_image(output: &Path) -> Result<Self> {
        let folder = output.join("oci/blobs/sha256");
        let context = || format!("there is no image in {}", output.display());
        let mut previous = Self::default();
        for entry in fs::read_dir(&folder).with_context(context)? {
            let entry = entry?;
            previous.blobs.insert(entry.file_name().to_string_lossy().into_owned());
            // Documents are small, and layers are no JSON.
            if entry.metadata()?.len() < 1 << 20
                && let Ok(document) = serde_json::from_slice::<Value>(&fs::read(entry.path())?)
            {
                previous.keys.extend(code_keys(&document));
            }
        }
        Ok(previous)
    }

    /// Whether it has a component's compiled code.
    pub fn has_code(&self, key: &str) -> bool {
        self.keys.contains(key)
    }
}

/// The keys of compiled code that an image's configuration names, in its history.
fn code_keys(config: &Value) -> Vec<String> {
    let history = config.get("history").and_then(Value::as_array).into_iter().flatten();
    let titles = history.filter_map(|layer| layer.get("created_by")?.as_str());
    let keys = titles.filter_map(|title| title.split_once(COMPILED)?.1.split(' ').nth(1));
    keys.map(str::to_owned).collect()
}
