//! What holds of every dashboard and every panel.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Result, ensure};
use hedgeschool_monitoring::{
    Choice, Dashboard, Named, Names, Panel, dashboards, repository, rules,
};

const RUNBOOK: &str = "docs/runbook.md";
/// Units of Grafana's that are used.
const UNITS: [&str; 7] = ["bool_yes_no", "bytes", "ops", "percentunit", "reqps", "s", "short"];

/// Looks at every panel, and says of which one something does not hold.
fn each(look: impl Fn(&Dashboard, &Panel) -> Result<()>) -> Result<()> {
    for dashboard in dashboards()? {
        for panel in &dashboard.panels {
            let title = format!("{}: {}", dashboard.title, panel.title);
            look(&dashboard, panel).map_err(|why| why.context(title))?;
        }
    }
    Ok(())
}

#[test]
fn a_panel_says_what_it_shows_in_which_unit_and_where_to_read_on() -> Result<()> {
    let runbook = fs::read_to_string(repository(RUNBOOK))?;
    let headings = runbook.lines().filter(|line| line.starts_with("##"));
    let anchor = |it: &str| it.trim_start_matches(['#', ' ']).to_lowercase().replace(' ', "-");
    let anchors: BTreeSet<_> = headings.map(anchor).collect();
    each(|dashboard, panel| {
        ensure!(!panel.title.is_empty() && !panel.description.is_empty(), "it says too little");
        ensure!(UNITS.contains(&panel.unit()), "the unit {}", panel.unit());
        ensure!(dashboard.variables("constant") == ["runbook"], "where is the runbook?");
        let mut links = 0;
        for link in panel.links() {
            let to = link.strip_prefix("${runbook}#").unwrap_or_default();
            ensure!(anchors.contains(to), "{link} leads nowhere");
            links += 1;
        }
        ensure!(links > 0, "it leads nowhere");
        Ok(())
    })
}

#[test]
fn a_panel_asks_the_chosen_prometheus_for_what_there_is() -> Result<()> {
    let rules = rules()?;
    let names = Names::known(&rules)?;
    each(|dashboard, panel| {
        ensure!(dashboard.variables("datasource") == ["datasource"], "no choice of a Prometheus");
        ensure!(panel.datasource() == "${datasource}", "{}", panel.datasource());
        let choice = Choice { interval: "2m", instance: "galway", region: "west" };
        for expression in panel.expressions(&choice) {
            ensure!(!expression.contains('$'), "a variable is left: {expression}");
            let missing = names.missing_of(&Named::within(&expression)?);
            ensure!(missing.is_empty(), "nothing tells {missing:?}");
        }
        ensure!(panel.expressions(&choice).count() > 0, "it asks for nothing");
        Ok(())
    })
}

#[test]
fn nothing_has_the_name_or_the_place_of_something_else() -> Result<()> {
    let all = dashboards()?;
    let ids: BTreeSet<_> = all.iter().map(|dashboard| &dashboard.uid).collect();
    ensure!(ids.len() == all.len(), "two dashboards of one uid: {ids:?}");
    for dashboard in &all {
        let panels = &dashboard.panels;
        let ids: BTreeSet<_> = panels.iter().map(|panel| panel.id).collect();
        ensure!(ids.len() == panels.len(), "{}: two panels of one id", dashboard.title);
        for (number, panel) in panels.iter().enumerate() {
            ensure!(panel.fits(), "{}: {} is too wide", dashboard.title, panel.title);
            for other in panels.iter().skip(number + 1) {
                let (one, two) = (&panel.title, &other.title);
                ensure!(!panel.overlaps(other), "{}: {one} and {two}", dashboard.title);
            }
        }
    }
    Ok(())
}
