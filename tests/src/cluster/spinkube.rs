//! SpinKube's operator, if its sources are here.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::{Cluster, Part};

/// The folder of the operator's sources, with the program in `bin`.
const SOURCES: &str = "HEDGE_TEST_SPIN_OPERATOR";

pub(super) fn sources() -> PathBuf {
    PathBuf::from(env::var_os(SOURCES).unwrap_or_default())
}

pub(super) fn operator(cluster: &Cluster) -> Command {
    let mut operator = Command::new(sources().join("bin/spin-operator"));
    operator.arg(format!("--kubeconfig={}", cluster.path("admin.kubeconfig").display()));
    operator.args(["--metrics-bind-address=0", "--health-probe-bind-address=127.0.0.1:8082"]);
    operator
}

impl Cluster {
    /// Makes SpinKube's kinds known, and answers whether that could be done.
    pub fn apply_spinkube(&self) -> Result<bool> {
        if env::var_os(SOURCES).is_none() {
            return Ok(false);
        }
        let kinds = sources().join("config/crd/bases");
        self.kubectl(&["apply", "--server-side", "-f", &kinds.display().to_string()])?;
        let wait = ["wait", "--for=condition=Established", "--timeout=60s", "crd"];
        self.kubectl(&[&wait[..], &["spinapps.core.spinkube.dev"]].concat())?;
        self.kubectl(&[&wait[..], &["spinappexecutors.core.spinkube.dev"]].concat())?;
        Ok(true)
    }

    /// Starts its operator, if its sources are here.
    pub fn start_operator(&mut self) -> Result<bool> {
        let is_here = self.apply_spinkube()?;
        if is_here {
            self.start_part(Part::Operator)?;
        }
        Ok(is_here)
    }
}
