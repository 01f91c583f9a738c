//! What `cargo xtask test --monitoring` needs: a Prometheus 3 and a vmagent, which Debian does not
//! have, built from their Go modules into `target/monitoring`, and kept there.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::go::Part;
use crate::progress::Steps;

/// Where the programs are, below the repository's folder.
const FOLDER: &str = "target/monitoring";

/// The version of `k3s/monitoring`. Of what finds nodes only files are needed, not the clients of
/// a dozen clouds.
const PROMETHEUS: Part = Part {
    name: "prometheus",
    module: "github.com/prometheus/prometheus",
    version: "v0.316.0",
    packages: &["cmd/prometheus", "cmd/promtool"],
    tags: "remove_all_sd",
    variables: &[("github.com/prometheus/common/version.Version", "3.16.0")],
    staging: None,
    folder: None,
};

/// What keeps figures for a region that cannot be reached.
const VMAGENT: Part = Part {
    name: "vmagent",
    module: "github.com/VictoriaMetrics/VictoriaMetrics",
    version: "v1.151.0",
    packages: &["app/vmagent"],
    tags: "",
    variables: &[],
    staging: None,
    folder: None,
};

const PARTS: [&Part; 2] = [&PROMETHEUS, &VMAGENT];

/// How many have to be built yet.
pub fn count_missing(root: &Path) -> u32 {
    let folder = root.join(FOLDER);
    PARTS.iter().map(|part| u32::from(!part.is_built(&folder))).sum()
}

/// Builds those that have not been built before, and answers where each is.
pub fn build_programs(root: &Path, steps: &mut Steps) -> Result<Vec<PathBuf>> {
    let folder = root.join(FOLDER);
    PARTS.iter().try_for_each(|part| part.build(&folder, steps))?;
    Ok(PARTS.iter().map(|part| part.folder_in(&folder)).collect())
}
