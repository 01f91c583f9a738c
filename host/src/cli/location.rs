//! Where a node keeps its data, as `hedge up` is told.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use crate::runtime_config::{RuntimeConfig, Unnamed};

/// The flags that say so.
#[derive(Debug, Args)]
pub struct Location {
    /// The manifest: a spin.toml, or the folder it is in
    #[arg(
        short = 'f',
        long = "from",
        visible_alias = "file",
        value_name = "PATH",
        default_value = "spin.toml"
    )]
    pub from: PathBuf,
    /// What stands behind the labels of databases and stores (runtime-config.toml)
    #[arg(long, value_name = "FILE", env = "RUNTIME_CONFIG_FILE")]
    pub runtime_config_file: Option<PathBuf>,
    /// Where the node's state is: stores labelled `default`, and relative paths in
    /// runtime-config.toml. When not given, those are where Spin looks for them: `.spin` beside
    /// the manifest, and the working directory. Of several, the last one counts
    #[arg(long, value_name = "FOLDER", overrides_with = "state_dir")]
    pub state_dir: Option<PathBuf>,
}

impl Location {
    /// What stands behind each label. The manifest need not be there: its folder alone matters.
    ///
    /// # Errors
    /// As [`RuntimeConfig::load`].
    pub fn load_config(&self) -> Result<RuntimeConfig> {
        let from = std::path::absolute(&self.from)?;
        let folder = if from.is_dir() { &from } else { from.parent().unwrap_or(Path::new("/")) };
        let unnamed = Unnamed::AsUnderSpin(folder);
        RuntimeConfig::load(self.runtime_config_file.as_deref(), self.state_dir.as_deref(), unnamed)
    }
}
