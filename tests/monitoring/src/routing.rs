//! Whom Alertmanager tells.

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{repository, text};

/// Its configuration.
const FILE: &str = "k3s/monitoring/region/routing.yaml";

/// The configuration.
#[derive(Deserialize)]
pub struct Routing {
    /// Where every alert comes in.
    pub route: Route,
    inhibit_rules: Vec<Inhibition>,
    receivers: Vec<Receiver>,
}

/// Where alerts go.
#[derive(Deserialize)]
pub struct Route {
    /// Who is told.
    pub receiver: String,
    /// Which alerts, in Alertmanager's language.
    #[serde(default)]
    pub matchers: Vec<String>,
    /// What is tried first.
    #[serde(default)]
    pub routes: Vec<Route>,
}

/// What is not told beside something else.
#[derive(Deserialize)]
pub struct Inhibition {
    source_matchers: Vec<String>,
    target_matchers: Vec<String>,
}

#[derive(Deserialize)]
struct Receiver {
    name: String,
}

impl Routing {
    /// Those who can be told.
    pub fn receivers(&self) -> impl Iterator<Item = &str> {
        self.receivers.iter().map(|receiver| receiver.name.as_str())
    }

    /// What is not told beside something else.
    #[must_use]
    pub fn inhibitions(&self) -> &[Inhibition] {
        &self.inhibit_rules
    }
}

impl Inhibition {
    /// The alerts that it names, on either side.
    pub fn alerts(&self) -> impl Iterator<Item = &str> {
        let matchers = self.source_matchers.iter().chain(&self.target_matchers);
        let names = matchers.filter_map(|it| it.strip_prefix("alertname="));
        names.flat_map(|it| it.trim_matches(['~', '"']).split('|'))
    }
}

/// What there is.
///
/// # Errors
/// When the file is none.
pub fn routing() -> Result<Routing> {
    serde_saphyr::from_str(&text(&repository(FILE))?).context(FILE)
}
