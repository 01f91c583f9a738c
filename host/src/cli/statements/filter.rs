//! Which statements are exported.

use anyhow::{Context, Result};
use clap::Args;
use serde_json::value::RawValue;

/// Which statements (xAPI 1.0.3, part three, 2.1.3); every condition given must hold.
#[derive(Debug, Args)]
pub struct Filter {
    /// Only statements whose actor or object is this agent or group, e.g.
    /// {"mbox":"mailto:ada@example.org"}
    #[arg(long, value_name = "JSON", value_parser = parse_json)]
    agent: Option<String>,
    /// Only statements with this verb
    #[arg(long, value_name = "IRI")]
    verb: Option<String>,
    /// Only statements about this activity
    #[arg(long, value_name = "IRI")]
    activity: Option<String>,
    /// Only statements of this registration
    #[arg(long, value_name = "UUID")]
    registration: Option<String>,
    /// Only statements stored after this moment, e.g. 2026-11-22T08:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only statements stored at or before this moment
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

fn parse_json(text: &str) -> Result<String> {
    serde_json::from_str::<&RawValue>(text).context("expected JSON")?;
    Ok(text.to_owned())
}

impl Filter {
    /// The parameters of a query.
    pub fn query_parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("agent", &self.agent),
            ("verb", &self.verb),
            ("activity", &self.activity),
            ("registration", &self.registration),
            ("since", &self.since),
            ("until", &self.until),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}
