//! What holds of every rule and every alert.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hedgeschool_monitoring::{Named, Names, Rule, alerts_of, cases, files, repository, rules};

const RUNBOOK: &str = "docs/runbook.md";
/// What is done about an alert: somebody is woken, it is looked at in working hours, or it is read
/// when there is time.
const SEVERITIES: [&str; 3] = ["page", "ticket", "note"];

fn alerts(rules: &[Rule]) -> impl Iterator<Item = (&str, &Rule)> {
    rules.iter().filter_map(|rule| Some((rule.alert.as_deref()?, rule)))
}

fn promtool(words: &[&str], files: &[PathBuf]) -> Result<()> {
    let mut command = Command::new("promtool");
    let output = command.args(words).args(files).output();
    let output = output.context("there is no promtool: install Debian's package prometheus")?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    Ok(())
}

#[test]
fn prometheus_takes_the_rules() -> Result<()> {
    promtool(&["check", "rules", "--lint-fatal"], &files("k3s/monitoring/rules")?)
}

#[test]
fn alerts_fire_when_they_should() -> Result<()> {
    promtool(&["test", "rules"], &files("k3s/monitoring/tests")?)
}

#[test]
fn each_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() -> Result<()> {
    let (rules, cases) = (rules()?, cases()?);
    let expected: Vec<_> = alerts_of(&cases).collect();
    for (_, rule) in alerts(&rules) {
        let of_it: Vec<_> = expected.iter().filter(|it| it.is_about(rule)).collect();
        ensure!(of_it.iter().any(|it| it.fires(rule)), "{} fires in no test", rule.title());
        ensure!(of_it.iter().any(|it| !it.fires(rule)), "{} is silent in no test", rule.title());
    }
    // promtool finds that an alert of another name does not fire.
    for it in &expected {
        ensure!(alerts(&rules).any(|(_, rule)| it.is_about(rule)), "no rule for {it:?}");
    }
    Ok(())
}

#[test]
fn rules_their_tests_and_the_runbook_name_what_there_is() -> Result<()> {
    let (rules, cases) = (rules()?, cases()?);
    let names = Names::known(&rules)?;
    let look = |title: &str, expression: &str| -> Result<()> {
        let missing = names.missing_of(&Named::within(expression)?);
        ensure!(missing.is_empty(), "{title}: nothing tells {missing:?}");
        Ok(())
    };
    let runbook = fs::read_to_string(repository(RUNBOOK))?;
    let blocks: Vec<_> = runbook.split("\n```promql\n").skip(1).collect();
    ensure!(!blocks.is_empty(), "the runbook shows no PromQL");
    blocks.iter().try_for_each(|it| look(RUNBOOK, it.split("```").next().unwrap_or_default()))?;
    rules.iter().try_for_each(|rule| look(&rule.title(), &rule.expr))?;
    cases.iter().try_for_each(|case| case.series().try_for_each(|it| look(&case.name, it)))
}

#[test]
fn each_alert_says_what_is_the_matter_and_where_to_read_on() -> Result<()> {
    for (name, rule) in alerts(&rules()?) {
        let of = |map: &BTreeMap<_, _>, key: &str| -> Result<String> {
            map.get(key).cloned().with_context(|| format!("{} has no {key}", rule.title()))
        };
        let severity = of(&rule.labels, "severity")?;
        ensure!(SEVERITIES.contains(&severity.as_str()), "{name}: {severity}");
        ensure!(!of(&rule.annotations, "summary")?.is_empty(), "{name}");
        let runbook = of(&rule.annotations, "runbook")?;
        ensure!(runbook == format!("{RUNBOOK}#{}", name.to_lowercase()), "{name}: {runbook}");
    }
    Ok(())
}

#[test]
fn the_runbook_has_a_section_for_each_alert_and_no_other() -> Result<()> {
    let runbook = fs::read_to_string(repository(RUNBOOK))?;
    let mut sections = BTreeMap::new();
    for section in runbook.split("\n### ").skip(1) {
        let (name, text) = section.split_once('\n').context("an empty section")?;
        sections.insert(name, text);
    }
    let rules = rules()?;
    let names: BTreeSet<_> = alerts(&rules).map(|(name, _)| name).collect();
    let described: BTreeSet<_> = sections.keys().copied().collect();
    let differing: Vec<_> = names.symmetric_difference(&described).collect();
    ensure!(differing.is_empty(), "rules or runbook lack {differing:?}");
    for (name, text) in sections {
        for part in ["**Means:**", "**Look at:**", "**Do:**", "**Leave it:**"] {
            ensure!(text.contains(part), "{name} does not say {part}");
        }
    }
    Ok(())
}
