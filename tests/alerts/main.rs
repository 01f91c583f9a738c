//! What a live Prometheus 3 makes of nodes that are really in trouble, and of a line that is down.
//! `cargo xtask test --monitoring` builds the programs; without them these tests are left out.

mod ill;
mod offline;
mod panels;
mod promtool;
mod targets;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hedgeschool_monitoring::{files, shortened};
use hedgeschool_tests::eventually;
use hedgeschool_tests::prometheus::{Prometheus, program};
use tempfile::TempDir;

use ill::Ill;

/// A day of a rule is 72 s here, an hour is the least.
const FACTOR: u32 = 1200;
/// Ten scrapes.
const LEAST: Duration = Duration::from_secs(5);
const CONFIG: &str = "
global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}
rule_files: [/etc/rules/*.yaml]
scrape_configs:
  - {job_name: hedgeschool, file_sd_configs: [{files: [/etc/site/nodes.json]}]}
  - job_name: stores
    metrics_path: /sync/v1/metrics
    basic_auth: {username: admin, password: a-test-password}
    file_sd_configs: [{files: [/etc/site/stores.json]}]
";

/// What a healthy node may have too on a machine where much else goes on: it is slow at times, and
/// a minute of its disk, drawn on for four days, says that it will be full.
const OF_THE_MACHINE: [&str; 2] = ["DiskFillsSoon", "LatencyBudgetBurn"];

/// Which alert is to come, and a label of it.
const WANTED: [(&str, &str, &str); 15] = [
    ("ClockSkewed", "instance", "skewed"),
    ("DiskLow", "instance", "full"),
    ("DiskNearlyFull", "instance", "full"),
    ("ErrorBudgetBurn", "region", "ill"),
    ("FiguresMissing", "node", "unread"),
    ("HostDown", "instance", "killed"),
    ("HostRestarts", "instance", "crashing"),
    ("LatencyBudgetBurn", "region", "ill"),
    ("ManyNodesSilent", "instance", "lonely"),
    ("NodeClockSkewed", "node", "skewed"),
    ("RedisDown", "instance", "no-redis"),
    ("StorageFull", "instance", "small"),
    ("StorageNearLimit", "instance", "small"),
    ("StoreFiguresMissing", "instance", "mute"),
    ("UpstreamSilent", "instance", "cut-off"),
];

/// The rules of this repository, shortened, in a folder for Prometheus.
fn write_rules(folder: &TempDir) -> Result<()> {
    fs::create_dir_all(folder.path().join("rules"))?;
    for file in files("k3s/monitoring/rules")? {
        let rules = shortened(&fs::read_to_string(&file)?, FACTOR, LEAST)?;
        let name = file.file_name().unwrap_or_default();
        fs::write(folder.path().join("rules").join(name), rules)?;
    }
    Ok(())
}

#[test]
fn nodes_in_trouble_have_their_alerts_and_a_healthy_one_has_none() -> Result<()> {
    if program("prometheus")?.is_none() {
        eprintln!("left out: cargo xtask test --monitoring has it");
        return Ok(());
    }
    let folder = TempDir::new()?;
    write_rules(&folder)?;
    let mut ill = Ill::start()?;
    ill.targets().write(folder.path())?;
    let port = hedgeschool_tests::free_port()?;
    let prometheus = Prometheus::start("edge", folder.path(), port, CONFIG)?;
    let problems = || prometheus.problems();
    eventually("all pages are read", || {
        let problems = problems()?;
        let read = problems.values().filter(|problem| problem.is_empty()).count();
        Ok((read == problems.len() && read >= ill.targets().len()).then_some(()))
    })
    .or_else(|why| Err(why.context(format!("{:?}", prometheus.problems()?))))?;
    ill.fall_ill()?;
    let (start, mut fired) = (Instant::now(), BTreeMap::new());
    let all: BTreeSet<_> = WANTED.iter().map(|(alert, ..)| *alert).collect();
    let outcome = eventually("each fires", || {
        ill.go_on()?;
        for alert in prometheus.firing()? {
            let is = |name, value: &str| alert.get(name).is_some_and(|it| it == value);
            let is_excused = OF_THE_MACHINE.iter().any(|it| is("alertname", it));
            ensure!(is_excused || !is("region", "well"), "the healthy one: {alert:?}");
            for (name, label, value) in WANTED {
                if is("alertname", name) && is(label, value) {
                    fired.entry(name).or_insert_with(|| start.elapsed().as_secs());
                }
            }
        }
        Ok((fired.len() == all.len()).then_some(()))
    });
    println!("fired after seconds: {fired:?}");
    let missing: Vec<_> = all.iter().filter(|name| !fired.contains_key(*name)).collect();
    outcome.map_err(|why| why.context(format!("these did not fire: {missing:?}")))?;
    panels::look(&prometheus)?;
    match env::var_os("HEDGE_TEST_PANELS") {
        Some(folder) => panels::draw(&prometheus, start.elapsed().as_secs(), folder.as_ref()),
        None => Ok(()),
    }
}
