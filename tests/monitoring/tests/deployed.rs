//! What holds of what is deployed: Prometheus gets all rules, Grafana all dashboards, and every
//! alert somebody who is told.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hedgeschool_monitoring::{repository, routing, rules};
use tempfile::TempDir;

fn read(path: &str) -> Result<String> {
    fs::read_to_string(repository(path)).with_context(|| path.to_owned())
}

#[test]
fn all_rules_and_dashboards_are_handed_on() -> Result<()> {
    for (folder, ending) in [("rules", "yaml"), ("dashboards", "json")] {
        let folder = format!("k3s/monitoring/{folder}");
        let kustomization = read(&format!("{folder}/kustomization.yaml"))?;
        let mut found = 0;
        for entry in fs::read_dir(repository(&folder))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(ending) && name != "kustomization.yaml" {
                ensure!(kustomization.contains(&format!("- {name}\n")), "{name} is left out");
                found += 1;
            }
        }
        ensure!(found >= 3, "{folder} has {found}");
    }
    Ok(())
}

/// The rules beside it, and secrets that somebody would have made.
#[test]
fn prometheus_takes_its_configuration() -> Result<()> {
    for place in ["edge", "region"] {
        let folder = TempDir::new()?;
        let rules = repository("k3s/monitoring/rules").canonicalize()?.display().to_string();
        let config = read(&format!("k3s/monitoring/{place}/config.yaml"))?;
        let config = config.replace("/etc/rules/*.yaml", "/etc/rules/machine.yaml");
        ensure!(config.contains("/etc/rules/"), "{place} has no rules");
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, config.replace("/etc/rules", &rules))?;
        let output = Command::new("promtool").args(["check", "config"]).arg(&file).output()?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        ensure!(output.status.success() && said.contains("SUCCESS"), "{place}: {said}");
    }
    Ok(())
}

#[test]
fn every_severity_has_a_receiver_and_every_receiver_a_severity() -> Result<()> {
    let routing = routing()?;
    let receivers: BTreeSet<_> = routing.receivers().collect();
    let mut told = BTreeSet::from([routing.route.receiver.as_str()]);
    for route in &routing.route.routes {
        let wanted = format!("severity=\"{}\"", route.receiver);
        ensure!(route.matchers == [wanted], "{} is told of {:?}", route.receiver, route.matchers);
        told.insert(&route.receiver);
    }
    ensure!(told == receivers, "{told:?} are told, {receivers:?} can be");
    for rule in rules()?.iter().filter(|rule| rule.alert.is_some()) {
        let severity = rule.labels.get("severity").map(String::as_str).unwrap_or_default();
        ensure!(told.contains(severity), "nobody is told of {}", rule.title());
    }
    Ok(())
}

#[test]
fn what_silences_and_what_is_silenced_are_alerts() -> Result<()> {
    let (routing, rules) = (routing()?, rules()?);
    ensure!(!routing.inhibitions().is_empty(), "nothing silences anything");
    for inhibition in routing.inhibitions() {
        ensure!(inhibition.alerts().count() >= 2, "it names no alerts");
        for name in inhibition.alerts() {
            let is_known = rules.iter().any(|rule| rule.alert.as_deref() == Some(name));
            ensure!(is_known, "there is no alert {name}");
        }
    }
    Ok(())
}
