//! Small fleets, so that the simulation stays true: it fails by itself if anything is lost or
//! comes twice.

#![allow(clippy::unwrap_used, reason = "a test")]

use hedgeschool_simulation::meter::{Group, Phase};
use hedgeschool_simulation::plan::{Away, Plan};
use hedgeschool_simulation::settings::{Capacity, Rules};
use hedgeschool_simulation::sizes::Sizes;
use hedgeschool_simulation::time::{DAY, HOUR, MINUTE, seconds};
use hedgeschool_simulation::world::World;

fn plan(seed: u64) -> Plan {
    let back = 2 * DAY + 10 * HOUR;
    Plan {
        seed,
        nodes: 30,
        regions: 0,
        activities_per_day: 100_000.0,
        from: back - 2 * DAY,
        away: Away::Nodes(5),
        outage: (back - DAY, back),
        after: HOUR,
        detail: 20 * MINUTE,
        capacity: Capacity::default(),
        rules: Rules::default(),
    }
}

fn run(plan: &Plan) -> World {
    plan.run(Sizes::of_the_protocol().unwrap()).unwrap()
}

#[test]
fn everything_arrives_once_and_soon() {
    for seed in 0..4 {
        let world = run(&plan(seed));
        let steady = world.audit.lags.of(Group::Steady, Phase::Calm);
        assert!(seconds(steady.percentile(0.99).unwrap()) < 1.0);
        let back = world.audit.converged(&world.nodes, Group::Away);
        assert!(back.len() == 5 && back.iter().all(|time| time.unwrap() < 10 * MINUTE));
    }
}

#[test]
fn so_it_does_with_regions_and_when_the_centre_is_away() {
    for seed in 0..4 {
        run(&Plan { regions: 3, ..plan(seed) });
        run(&Plan { regions: 3, away: Away::Centre, ..plan(seed) });
        run(&Plan { away: Away::Centre, ..plan(seed) });
    }
}

#[test]
fn the_same_seed_is_the_same_week() {
    let [one, other] = [run(&plan(7)), run(&plan(7))];
    assert_eq!((one.events, one.audit.counts()), (other.events, other.audit.counts()));
    assert_ne!(one.events, run(&plan(8)).events);
}

#[test]
fn an_overloaded_hub_refuses_and_still_gets_everything() {
    let capacity = Capacity { entries_per_second: 60.0, ..Capacity::default() };
    let rules = Rules { applying_max: 2, ..Rules::default() };
    let world = run(&Plan { capacity, rules, after: 6 * HOUR, ..plan(1) });
    assert!(world.fine.bins.iter().map(|bin| bin.refused).sum::<u64>() > 0);
}
