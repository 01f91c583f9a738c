//! The dashboards' panels, asked of the live Prometheus, and some of them drawn for the docs.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use hedgeschool_monitoring::{Choice, Panel, dashboards};
use hedgeschool_simulation::plot::Plot;
use hedgeschool_tests::prometheus::{Prometheus, Series};

/// Ten scrapes.
const INTERVAL: &str = "5s";
/// Nodes that have something to show: not each has a node above, or a limit.
const SHOWN: [&str; 3] = ["cut-off", "small", "well"];
/// What is drawn: a dashboard, a panel, for which node, and the file's name.
const DRAWN: [(&str, &str, &str, &str); 3] = [
    ("hedgeschool-node", "Time to an answer", "slow", "panel-node-time"),
    ("hedgeschool-node", "Requests", "slow", "panel-node-requests"),
    ("hedgeschool-region", "Clocks", "slow", "panel-region-clocks"),
];
/// How long before nodes fall ill a plot begins.
const BEFORE_S: u64 = 10;
/// Plots have as many colours. What is highest is drawn.
const LINES_MAX: usize = 4;

fn choice(instance: &str) -> Choice<'_> {
    Choice { interval: INTERVAL, instance, region: "ill" }
}

/// Each expression of each panel has something to show for one of the nodes.
pub fn look(prometheus: &Prometheus) -> Result<()> {
    for dashboard in dashboards()? {
        for panel in &dashboard.panels {
            let shows = |nth: usize| -> Result<bool> {
                for instance in SHOWN {
                    let expression = panel.expressions(&choice(instance)).nth(nth);
                    if !prometheus.query(&expression.context("no expression")?)?.is_empty() {
                        return Ok(true);
                    }
                }
                Ok(false)
            };
            for (nth, expression) in panel.expressions(&choice("any")).enumerate() {
                ensure!(shows(nth)?, "{}, {}: {expression}", dashboard.title, panel.title);
            }
        }
    }
    Ok(())
}

/// Draws some panels, from when the test began, into a folder.
pub fn draw(prometheus: &Prometheus, seconds: u64, folder: &Path) -> Result<()> {
    let dashboards = dashboards()?;
    for (uid, title, instance, name) in DRAWN {
        let mut all = dashboards.iter().filter(|it| it.uid == uid).flat_map(|it| &it.panels);
        let panel = all.find(|panel| panel.title == title).context(title)?;
        let svg = plot(prometheus, panel, &choice(instance), seconds)?.svg();
        fs::write(folder.join(format!("{name}.svg")), svg)?;
    }
    Ok(())
}

fn plot(prometheus: &Prometheus, panel: &Panel, choice: &Choice<'_>, seconds: u64) -> Result<Plot> {
    let mut lines = Vec::new();
    for (expression, legend) in panel.expressions(choice).zip(panel.legends()) {
        for series in prometheus.range(&expression, seconds + BEFORE_S)? {
            lines.push((called(legend, &series), series.samples));
        }
    }
    let start = lines.iter().filter_map(|(_, it)| Some(it.first()?.0)).fold(f64::MAX, f64::min);
    for (_, samples) in &mut lines {
        samples.retain(|sample| sample.1.is_finite());
        samples.iter_mut().for_each(|sample| sample.0 -= start);
    }
    lines.retain(|(_, samples)| !samples.is_empty());
    let highest = |samples: &[(f64, f64)]| samples.iter().map(|it| it.1).fold(0.0, f64::max);
    lines.sort_by(|(_, one), (_, two)| highest(two).total_cmp(&highest(one)));
    lines.truncate(LINES_MAX);
    let title = format!("{} — drawn by our script from live Prometheus, no Grafana", panel.title);
    let y = match panel.unit() {
        "s" => "seconds",
        "reqps" => "requests/s",
        _ => "share",
    };
    Ok(Plot { title, x: "seconds", y, is_logarithmic: false, lines })
}

/// The legend, with the values of labels.
fn called(legend: &str, series: &Series) -> String {
    let put = |text: String, (name, value): (&String, &String)| {
        text.replace(&format!("{{{{{name}}}}}"), value)
    };
    series.labels.iter().fold(legend.to_owned(), put)
}
