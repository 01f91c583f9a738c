use hedgeschool_simulation::*;
use plan::*;
use time::*;
fn main() -> anyhow::Result<()> {
    let sizes = sizes::Sizes::of_the_protocol()?;
    println!("{sizes:?}");
    let arg: Vec<String> = std::env::args().collect();
    let days: u64 = arg.get(1).map_or(7, |a| a.parse().unwrap_or(7));
    let start = std::time::Instant::now();
    let t0 = 14 * DAY + 10 * HOUR;
    let plan = Plan {
        seed: 1,
        nodes: 300,
        regions: arg.get(2).map_or(0, |a| a.parse().unwrap_or(0)),
        activities_per_day: 5e6,
        from: t0 - days * DAY,
        away: Away::Nodes(50),
        outage: (t0 - 7 * DAY.min(days * DAY), t0),
        after: 2 * HOUR,
        detail: 20 * MINUTE,
        capacity: settings::Capacity { calm_share: 0.4, ..Default::default() },
        rules: Default::default(),
    };
    let world = plan.run(sizes)?;
    println!(
        "{} events in {:?}, counts {:?}, over {:?}",
        world.events,
        start.elapsed(),
        world.audit.counts(),
        world.audit.over_at.map(|t| seconds(t - t0))
    );
    for g in [meter::Group::Steady, meter::Group::Away] {
        for p in
            [meter::Phase::Calm, meter::Phase::Outage, meter::Phase::Storm, meter::Phase::After]
        {
            let t = world.audit.lags.of(g, p);
            println!(
                "{g:?} {p:?}: {} P50 {:?} P99 {:?} max {:?}",
                t.total(),
                t.percentile(0.5).map(seconds),
                t.percentile(0.99).map(seconds),
                seconds(t.most())
            );
        }
    }
    let u = world.fine.utilisation();
    for (i, b) in world.fine.bins.iter().enumerate().filter(|(i, _)| i % 24 == 0) {
        println!(
            "{:>6.0} {:>8} e {:>6} b {:>6} p {:>5} ref  util {:.2} req {}",
            i as f64 * 5.0 - 600.0,
            b.entries,
            b.batches,
            b.pulls,
            b.refused,
            u[i].1,
            b.requests_most
        );
    }
    Ok(())
}
