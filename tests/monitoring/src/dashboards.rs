//! Dashboards, as Grafana has them.

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{files_ending, text};

/// Where they are.
const FOLDER: &str = "k3s/monitoring/dashboards";
/// What somebody has chosen on a dashboard.
pub struct Choice<'a> {
    /// The time over which rates are taken, which Grafana works out.
    pub interval: &'a str,
    /// The node.
    pub instance: &'a str,
    /// The region.
    pub region: &'a str,
}

/// One of them.
#[derive(Deserialize)]
pub struct Dashboard {
    /// What addresses name it by.
    pub uid: String,
    /// What people call it.
    pub title: String,
    /// What it shows.
    pub panels: Vec<Panel>,
    templating: Templating,
}

#[derive(Deserialize)]
struct Templating {
    list: Vec<Variable>,
}

#[derive(Deserialize)]
struct Variable {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

/// A graph, a figure or a table.
#[derive(Deserialize)]
pub struct Panel {
    /// Which one of its dashboard.
    pub id: u32,
    /// What it is called.
    pub title: String,
    /// What it means.
    pub description: String,
    #[serde(rename = "gridPos")]
    place: Place,
    datasource: Source,
    links: Vec<Link>,
    #[serde(rename = "fieldConfig")]
    fields: Fields,
    targets: Vec<Target>,
}

#[derive(Clone, Copy, Deserialize)]
struct Place {
    h: u32,
    w: u32,
    x: u32,
    y: u32,
}

#[derive(Deserialize)]
struct Source {
    uid: String,
}

#[derive(Deserialize)]
struct Link {
    url: String,
}

#[derive(Deserialize)]
struct Fields {
    defaults: Defaults,
}

#[derive(Deserialize)]
struct Defaults {
    unit: String,
}

#[derive(Deserialize)]
struct Target {
    expr: String,
    #[serde(rename = "legendFormat")]
    legend: String,
}

impl Dashboard {
    /// The names of its variables of a type.
    pub fn variables(&self, kind: &str) -> Vec<&str> {
        let of_it = self.templating.list.iter().filter(|it| it.kind == kind);
        of_it.map(|it| it.name.as_str()).collect()
    }
}

impl Panel {
    /// Its unit.
    #[must_use]
    pub fn unit(&self) -> &str {
        &self.fields.defaults.unit
    }

    /// What names its datasource.
    #[must_use]
    pub fn datasource(&self) -> &str {
        &self.datasource.uid
    }

    /// Where it leads.
    pub fn links(&self) -> impl Iterator<Item = &str> {
        self.links.iter().map(|link| link.url.as_str())
    }

    /// Its PromQL, as Grafana would send it.
    pub fn expressions(&self, choice: &Choice<'_>) -> impl Iterator<Item = String> {
        self.targets.iter().map(|target| {
            let text = target.expr.replace("$__rate_interval", choice.interval);
            text.replace("$instance", choice.instance).replace("$region", choice.region)
        })
    }

    /// What its lines are called, expression by expression.
    pub fn legends(&self) -> impl Iterator<Item = &str> {
        self.targets.iter().map(|target| target.legend.as_str())
    }

    /// Whether it is within Grafana's 24 columns.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.place.w > 0 && self.place.h > 0 && self.place.x + self.place.w <= 24
    }

    /// Whether a part of it is where another one is.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let (one, two) = (self.place, other.place);
        let beside = one.x + one.w <= two.x || two.x + two.w <= one.x;
        let below = one.y + one.h <= two.y || two.y + two.h <= one.y;
        !beside && !below
    }
}

/// All of them.
///
/// # Errors
/// When a file is none.
pub fn dashboards() -> Result<Vec<Dashboard>> {
    let read = |path| {
        let dashboard = serde_json::from_str(&text(path)?);
        dashboard.with_context(|| path.display().to_string())
    };
    files_ending(FOLDER, "json")?.iter().map(|path| read(path.as_path())).collect()
}
