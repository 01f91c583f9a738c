//! Paths of files that belong together.

use std::path::{Path, PathBuf};

/// A file beside another: the same name with an ending.
pub(crate) fn path_beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
