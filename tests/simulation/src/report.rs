//! Tables in Markdown, and plots.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::meter::{Bin, Group, Phase, Series, Times};
use crate::plot::Plot;
use crate::scenario::Outcome;
use crate::time::{DAY, MINUTE, SECOND, Time, seconds};

/// A row of a table.
pub fn row(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

/// A time as people say it.
pub fn shown(time: Time) -> String {
    match seconds(time) {
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7_200.0 => format!("{:.1} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

fn percentiles(times: &Times) -> String {
    let percentile = |share| times.percentile(share).map_or("–".to_owned(), shown);
    format!("{} / {}", percentile(0.5), percentile(0.99))
}

fn bytes(bytes: f64) -> String {
    match bytes {
        b if b < 1e6 => format!("{:.0} kB", b / 1e3),
        b if b < 1e9 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.1} GB", b / 1e9),
    }
}

/// The return of those who were away.
pub fn storms(outcomes: &[&Outcome]) {
    println!(
        "| scenario | half / all have told everything after | fresh, never away: P50 / P99 | \
         fresh, back: P50 / P99 | at most: entries/s, busy, requests at once | 429s | \
         bytes up | sent twice |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|"
    );
    for outcome in outcomes {
        let half = outcome.converged.get(outcome.converged.len() / 2).copied().unwrap_or(0);
        let last = outcome.converged.last().copied().unwrap_or(0);
        let width = seconds(outcome.fine.width);
        let most = |figure: &dyn Fn(&Bin) -> f64| outcome.storm().map(figure).fold(0.0, f64::max);
        let entries = most(&|bin: &Bin| bin.entries as f64 / width);
        let busy = most(&|bin: &Bin| seconds(bin.busy) / width);
        let requests = most(&|bin: &Bin| bin.requests_most as f64);
        let refused: u64 = outcome.storm().map(|bin| bin.refused).sum();
        let up: u64 = outcome.storm().map(|bin| bin.bytes_up).sum();
        println!(
            "{}",
            row(&[
                outcome.name.clone(),
                format!("{} / {}", shown(half), shown(last)),
                percentiles(outcome.lags(Group::Steady, Phase::Storm)),
                percentiles(outcome.lags(Group::Away, Phase::Storm)),
                format!("{entries:.0}, {:.0} %, {requests:.0}", busy * 100.0),
                refused.to_string(),
                bytes(up as f64),
                format!("{:.2} %", 100.0 * outcome.again as f64 / outcome.new as f64),
            ])
        );
    }
    println!();
}

/// What nobody doing anything costs.
pub fn idle(outcomes: &[&Outcome]) {
    println!(
        "| nobody does anything | requests at the hub | busy | bytes of a node in a day, up and \
         down |\n|---|--:|--:|--:|"
    );
    for outcome in outcomes {
        let (requests, busy) = load(outcome);
        let day = DAY as f64 / (outcome.fine.bins.len() as f64 * outcome.fine.width as f64);
        let total: u64 = outcome.fine.bins.iter().map(|bin| bin.bytes_up + bin.bytes_down).sum();
        let each = total as f64 * day / outcome.nodes as f64;
        println!(
            "{}",
            row(&[
                outcome.name.clone(),
                format!("{requests:.0}/s"),
                format!("{:.0} %", busy * 100.0),
                bytes(each),
            ])
        );
    }
    println!();
}

/// Requests a second at the centre, and its share of busy time, on average.
pub fn load(outcome: &Outcome) -> (f64, f64) {
    let time = seconds(outcome.fine.width * outcome.fine.bins.len() as u64);
    let requests: u64 = outcome.fine.bins.iter().map(|bin| bin.pulls + bin.batches).sum();
    let busy: Time = outcome.fine.bins.iter().map(|bin| bin.busy).sum();
    (requests as f64 / time, seconds(busy) / time)
}

/// The whole time, by what was going on.
pub fn weeks(outcome: &Outcome, calm_share: f64) {
    println!(
        "| fresh changes, until they are at the hub: P50 / P99 | nodes that were never away | \
         nodes that were |\n|---|--:|--:|"
    );
    for (name, phase) in [
        ("normal days", Phase::Calm),
        ("while some are cut off", Phase::Outage),
        ("from their return until all is told", Phase::Storm),
        ("later", Phase::After),
    ] {
        let [steady, away] =
            [Group::Steady, Group::Away].map(|group| percentiles(outcome.lags(group, phase)));
        println!("{}", row(&[name.to_owned(), steady, away]));
    }
    let width = seconds(outcome.coarse.width);
    let most =
        |figure: &dyn Fn(&Bin) -> f64| outcome.coarse.bins.iter().map(figure).fold(0.0, f64::max);
    println!(
        "\n{} statements were recorded, and each is at the hub ({} came twice). Up {}, down {}. \
         The busiest quarter of an hour had {:.0} entries/s, and the hub busy for {:.0} % of it.\n",
        outcome.new,
        outcome.again,
        bytes(outcome.bytes_up as f64),
        bytes(outcome.bytes_down as f64),
        most(&|bin: &Bin| bin.entries as f64 / width),
        100.0 * (calm_share + most(&|bin: &Bin| seconds(bin.busy) / width)),
    );
}

fn minutes(back: Time, points: Vec<(Time, f64)>, most: f64) -> Vec<(f64, f64)> {
    let minute = |at: Time| (at as f64 - back as f64) / MINUTE as f64;
    let points = points.into_iter().map(|(at, figure)| (minute(at), figure));
    points.filter(|(at, _)| (-5.0..=most).contains(at)).collect()
}

/// Load of the hub in the storm.
pub fn plot_load(outcomes: &[&Outcome]) -> Plot {
    let most = span(outcomes);
    let line = |outcome: &&Outcome| {
        let width = seconds(outcome.fine.width);
        let points = outcome.fine.points(|bin| bin.entries as f64 / width);
        (outcome.name.clone(), minutes(outcome.back, points, most))
    };
    Plot {
        title: "Entries a second that the hub applies".into(),
        x: "minutes since the return",
        y: "entries/s",
        is_logarithmic: false,
        lines: outcomes.iter().map(line).collect(),
    }
}

/// How busy the hub is in the storm.
pub fn plot_busy(outcomes: &[&Outcome]) -> Plot {
    let most = span(outcomes);
    let line = |outcome: &&Outcome| {
        let points = percent(&outcome.fine);
        (outcome.name.clone(), minutes(outcome.back, points, most))
    };
    Plot {
        title: "How busy the hub is".into(),
        x: "minutes since the return",
        y: "% of its time",
        is_logarithmic: false,
        lines: outcomes.iter().map(line).collect(),
    }
}

fn percent(series: &Series) -> Vec<(Time, f64)> {
    series.utilisation().into_iter().map(|(at, share)| (at, share * 100.0)).collect()
}

/// Nodes that have told everything.
pub fn plot_converged(outcomes: &[&Outcome]) -> Plot {
    let line = |outcome: &&Outcome| {
        let count = outcome.converged.len() as f64;
        let point = |(number, at): (usize, &Time)| {
            (*at as f64 / MINUTE as f64, 100.0 * (number + 1) as f64 / count)
        };
        let points = outcome.converged.iter().enumerate().map(point);
        (outcome.name.clone(), [(0.0, 0.0)].into_iter().chain(points).collect())
    };
    Plot {
        title: "Nodes of which the hub has everything".into(),
        x: "minutes since the return",
        y: "% of those that were away",
        is_logarithmic: false,
        lines: outcomes.iter().map(line).collect(),
    }
}

/// How long fresh changes take in the storm.
pub fn plot_lags(outcome: &Outcome) -> Plot {
    let most = span(&[outcome]);
    let names = ["never away", "away for a week"];
    let lines = names
        .iter()
        .zip(&outcome.lag_points)
        .map(|(name, points)| ((*name).to_owned(), minutes(outcome.back, points.clone(), most)));
    // What was recorded before the return has waited for it.
    let lines = lines.map(|(name, points)| {
        let is_away = name == names[1];
        (name, points.into_iter().filter(|(at, _)| !is_away || *at >= 0.0).collect())
    });
    Plot {
        title: "Seconds from recording to the hub, P99 of ten seconds".into(),
        x: "minutes since the return; when it was recorded",
        y: "s",
        is_logarithmic: true,
        lines: lines.collect(),
    }
}

/// The load of all the days.
pub fn plot_weeks(outcome: &Outcome, calm_share: f64) -> Plot {
    let width = seconds(outcome.coarse.width);
    let days = |points: Vec<(Time, f64)>| -> Vec<(f64, f64)> {
        points.into_iter().map(|(at, figure)| (at as f64 / DAY as f64, figure)).collect()
    };
    let entries = outcome.coarse.points(|bin| bin.entries as f64 / width);
    let busy = outcome.coarse.points(|bin| 1e3 * (calm_share + seconds(bin.busy) / width));
    Plot {
        title: "The hub, day by day: a week with all nodes, a week without some, their return"
            .into(),
        x: "days",
        y: "entries/s; thousandths of its time",
        is_logarithmic: false,
        lines: vec![("entries/s".into(), days(entries)), ("busy, ‰".into(), days(busy))],
    }
}

/// Minutes to show.
fn span(outcomes: &[&Outcome]) -> f64 {
    let over = outcomes.iter().map(|outcome| outcome.over - outcome.back).max().unwrap_or(SECOND);
    (over as f64 / MINUTE as f64 * 1.15).max(3.0)
}

/// Writes a plot.
///
/// # Errors
/// If the file cannot be written.
pub fn write(folder: Option<&Path>, name: &str, plot: &Plot) -> Result<()> {
    let Some(folder) = folder else { return Ok(()) };
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let path = folder.join(name);
    fs::write(&path, plot.svg()).with_context(|| format!("writing {}", path.display()))
}
