//! Figures of days without a line reach the region, though the box was without power meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hedgeschool_monitoring::files;
use hedgeschool_tests::prometheus::{Prometheus, program, vmagent};
use hedgeschool_tests::{Link, Node, eventually, free_port, repository};
use tempfile::TempDir;

use crate::targets::Targets;

/// How long the line is down before the power is. What the queue has in hand and in memory is lost
/// then: some batches, each of what Prometheus gathers for five seconds.
const DOWN: Duration = Duration::from_secs(50);
/// How long it is down after that.
const DOWN_AFTER: Duration = Duration::from_secs(10);
const GAP_S: f64 = 25.0;
/// What goes straight from the edge's Prometheus to the region, to compare with.
const DIRECT: &str = "
  - url: TO
    basic_auth: {username: galway, password: a-test-password}
    write_relabel_configs:
      - {target_label: way, replacement: direct}
";

/// The configuration of `k3s/monitoring`, scraping each second.
fn config(place: &str) -> Result<String> {
    let text = fs::read_to_string(repository(&format!("k3s/monitoring/{place}/config.yaml")))?;
    let quick = text.replace("_interval: 30s", "_interval: 1s");
    ensure!(quick != text, "it scrapes at another pace");
    Ok(quick)
}

/// The rules as they are.
fn copy_rules(folder: &TempDir) -> Result<()> {
    let rules = folder.path().join("rules");
    fs::create_dir_all(&rules)?;
    for file in files("k3s/monitoring/rules")? {
        fs::copy(&file, rules.join(file.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

/// The longest time between two samples, by the way they came.
fn gaps(region: &Prometheus) -> Result<BTreeMap<String, f64>> {
    let series = region.query("up{job=\"hedgeschool\", instance=\"galway\"}[10m]")?;
    let gap = |samples: &[(f64, f64)]| {
        let pairs = samples.windows(2).filter_map(|pair| Some(pair.last()?.0 - pair.first()?.0));
        pairs.fold(0.0, f64::max)
    };
    let way = |labels: &BTreeMap<String, String>| labels.get("way").cloned().unwrap_or_default();
    Ok(series.iter().map(|it| (way(&it.labels), gap(&it.samples))).collect())
}

/// The last sample's age.
fn is_fresh(region: &Prometheus) -> Result<bool> {
    let age = region.query("time() - timestamp(up{instance=\"galway\", way=\"\"}) < 4")?;
    Ok(!age.is_empty())
}

#[test]
fn what_was_measured_without_a_line_arrives_when_it_is_back() -> Result<()> {
    if program("prometheus")?.is_none() {
        eprintln!("left out: cargo xtask test --monitoring has it");
        return Ok(());
    }
    let [above, below, queue] = [TempDir::new()?, TempDir::new()?, TempDir::new()?];
    [&above, &below].into_iter().try_for_each(copy_rules)?;
    fs::create_dir_all(above.path().join("site"))?;
    fs::write(above.path().join("site/nodes.json"), "[]")?;
    let (port, edge_port, queue_port) = (free_port()?, free_port()?, free_port()?);
    let region = Prometheus::start("region", above.path(), port, &config("region")?)?;
    let link = Link::to(port)?;
    let to = format!("{}/api/v1/write", link.address());
    let mut targets = Targets::default();
    let _node = targets.start(Node::builder()?, "galway", "west")?;
    targets.write(below.path())?;
    let edge = config("edge")?.replace(":8429", &format!(":{queue_port}"));
    let edge = format!("{}{}", edge.trim_end(), DIRECT.replace("TO", &to));
    let mut agent = vmagent(queue.path(), queue_port, &to)?;
    let mut edge = Prometheus::start("edge", below.path(), edge_port, &edge)?;
    eventually("both ways bring figures", || Ok((gaps(&region)?.len() == 2).then_some(())))?;
    thread::sleep(Duration::from_secs(5));
    link.cut();
    thread::sleep(DOWN);
    edge.server().kill()?;
    agent.kill()?;
    agent.restart()?;
    edge.server().restart()?;
    thread::sleep(DOWN_AFTER);
    link.restore();
    eventually("fresh figures come", || Ok(is_fresh(&region)?.then_some(())))?;
    let arrived = eventually("what waited has come", || {
        let gap = gaps(&region)?.get("").copied().unwrap_or(f64::MAX);
        Ok((gap < GAP_S).then_some(gap))
    })
    .with_context(|| format!("{:?}\n{}", gaps(&region), agent.log()))?;
    let direct = gaps(&region)?.get("direct").copied().context("nothing came straight")?;
    println!("longest gap: {arrived:.1} s by the queue, {direct:.1} s without it");
    // If Prometheus learns to go on where it was, the queue can go (ADR 25).
    ensure!(direct > 2.0 * GAP_S, "without the queue only {direct} s are missing");
    Ok(())
}
