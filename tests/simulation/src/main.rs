//! `cargo xtask simulate`.

use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use hedgeschool_simulation::options::Options;
use hedgeschool_simulation::report::{self, load};
use hedgeschool_simulation::scenario::{Outcome, Scenarios};
use hedgeschool_simulation::settings::{Capacity, Rules};
use hedgeschool_simulation::time::{DAY, HOUR};

fn main() -> Result<()> {
    let start = Instant::now();
    let options = Options::parse();
    let plots = options.plots.as_deref();
    let scenarios = Scenarios::new(options.clone())?;
    assumptions(&options, &scenarios);
    let idle = scenarios.idle("as it is", Rules::default(), options.two_cores())?;
    let calm_share = load(&idle).1;
    let two = Capacity { calm_share, ..options.two_cores() };
    let four = Capacity { calm_share: calm_share / options.four_cores, ..options.four_cores() };
    idles(&options, &scenarios, &idle)?;

    println!("## Two weeks\n");
    let weeks = scenarios.weeks(two.clone())?;
    report::weeks(&weeks, calm_share);
    report::write(plots, "weeks.svg", &report::plot_weeks(&weeks, calm_share))?;

    println!("## {} nodes come back after a week\n", options.away);
    let rules = Rules::default;
    let storm = Outcome { name: "two cores".into(), ..weeks };
    let larger = scenarios.storm("four cores", rules(), four.clone())?;
    let regions = scenarios.regions(two.clone())?;
    report::storms(&[&storm, &larger, &regions]);
    let all = [&storm, &larger, &regions];
    report::write(plots, "converged.svg", &report::plot_converged(&all))?;
    report::write(plots, "entries.svg", &report::plot_load(&all))?;
    report::write(plots, "busy.svg", &report::plot_busy(&all))?;
    report::write(plots, "lags.svg", &report::plot_lags(&storm))?;

    println!("## Everybody comes back\n");
    let hour = scenarios.centre_away("hub away for an hour", HOUR, rules(), two.clone())?;
    let day = scenarios.centre_away("hub away for a day", DAY, rules(), two.clone())?;
    let large = scenarios.centre_away("the same, four cores", DAY, rules(), four)?;
    report::storms(&[&hour, &day, &large]);
    report::write(plots, "everybody.svg", &report::plot_converged(&[&hour, &day, &large]))?;

    println!("## What was changed because of this\n");
    let former = scenarios.storm("before: 50 nodes back", Rules::former(), two.clone())?;
    let all = scenarios.centre_away("before: hub away for a day", DAY, Rules::former(), two)?;
    report::storms(&[&former, &storm, &all, &day]);
    eprintln!(
        "{} events, {:.1?}",
        [&idle, &storm, &larger, &regions, &hour, &day, &large, &former, &all]
            .iter()
            .map(|outcome| outcome.events)
            .sum::<u64>(),
        start.elapsed()
    );
    Ok(())
}

fn assumptions(options: &Options, scenarios: &Scenarios) {
    let (hub, sizes) = (options.two_cores(), scenarios.sizes());
    println!(
        "Seed {}. A hub of two cores applies {:.0} entries/s, a batch costs it {} µs more, a pull \
         {} µs. Bytes with HTTP heads: a statement {}, a document {}, a batch {} more, its \
         answer {}, a pull {}, its answer {}.\n",
        options.seed,
        hub.entries_per_second,
        hub.batch,
        hub.pull,
        sizes.statement,
        sizes.document,
        sizes.batch,
        sizes.applied,
        sizes.pull,
        sizes.pulled
    );
    println!("| lines | delay, one way | nodes |\n|--:|--:|--:|");
    for (bits, delay, nodes) in scenarios.lines() {
        let cells = [format!("{} Mbit/s", bits / 1e6), format!("{delay} ms"), nodes.to_string()];
        println!("{}", report::row(&cells));
    }
    println!();
}

/// What it costs that nodes are there.
fn idles(options: &Options, scenarios: &Scenarios, now: &Outcome) -> Result<()> {
    println!("## Nobody does anything\n");
    let former = Rules::former_waiting();
    let capacity = Capacity { waiting_max: 2 * 16, check: 100, ..options.two_cores() };
    let first = scenarios.idle("first version: 16 an instance wait", former, capacity)?;
    report::idle(&[&first, now]);
    Ok(())
}
