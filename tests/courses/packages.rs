//! Packages that others made, of public repositories, played in Chromium by a learner who comes
//! back in another browser and goes on at another node: `packages.toml` lists them.

mod learner;
mod list;
mod report;

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Node, address, course, eventually};
use http::Method;
use serde_json::{Value, json};

use self::learner::{Learner, Lesson};
use self::list::Row;
use self::report::{Outcome, Report};

/// The folder with the clones, `OWNER/NAME` in it.
const CLONES: &str = "HEDGE_TEST_PACKAGES";
/// Only rows with this in them.
const ONLY: &str = "HEDGE_TEST_PACKAGES_LIKE";
/// A hub, and a node below it.
struct School {
    hub: Node,
    edge: Node,
}

impl School {
    fn start() -> Result<Self> {
        let node = |name: &str| -> Result<_> {
            let builder = Node::builder()?.variable("node_id", name);
            Ok(builder.variable("sync_interval", "100ms"))
        };
        let hub = node("hub")?.variable("bootstrap_nodes", "edge:token-of-edge").start()?;
        let edge = node("edge")?.variable("upstream_url", &hub.address());
        Ok(Self { edge: edge.variable("upstream_token", "token-of-edge").start()?, hub })
    }

    /// Imports a package at the hub; answers the course as soon as both nodes have it.
    fn import(&self, row: &Row, package: &[u8]) -> Result<Value> {
        let address = address(course::COURSES, &[("name", &row.name())]);
        let body = Some(("application/octet-stream", package));
        let answer = self.hub.admin().send(Method::POST, &address, body)?;
        ensure!(answer.status.as_u16() < 300, "refused: {}", answer.detail()?);
        let course = answer.json()?;
        let key = course["key"].as_str().context("no key")?;
        let path = format!("/courses/{key}");
        let cookie = self.edge.sign_in(Node::ADMIN)?;
        eventually("the course arrives", || {
            let page = self.edge.browser(&cookie).get(&path)?;
            Ok((page.status == 200).then_some(()))
        })?;
        Ok(course)
    }

    /// Adds somebody, and waits until both nodes know them.
    fn enrol(&self, name: &str) -> Result<String> {
        let credentials = format!("{name}:a-long-password");
        let person = json!({ "name": name, "display_name": "Ada", "role": "learner",
            "password": "a-long-password" });
        self.hub.admin().post("/auth/people", &person)?.expect(201)?;
        eventually("they are known", || Ok(self.edge.sign_in(&credentials).ok()))?;
        Ok(credentials)
    }
}

/// Plays one package from its first page at the hub to its last at the edge.
fn play(school: &School, row: &Row, clones: &Path, n: usize) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let course = school.import(row, &row.package(clones)?)?;
    let name = format!("learner-{n}");
    let credentials = school.enrol(&name)?;
    let lesson = |node| Lesson::new(row, node, &course, &credentials);
    let at_hub = lesson(&school.hub)?;
    let first = Learner::enter(&at_hub)?;
    let (fresh, left) = first.within(0, |unit| {
        let fresh = unit.settled()?;
        unit.turn(row.number("turns", 3))?;
        Ok((fresh, unit.settled()?))
    })?;
    drop(first);
    outcome.starts = fresh.is_there();
    // A place that nobody has left the begin for says nothing, unless the course asks for it.
    outcome.moved = left.differs(&fresh);
    let has_place = row.text("place").is_empty();
    if has_place {
        let found = Learner::enter(&at_hub)?.within(0, |unit| unit.finds(&fresh, &left))?;
        outcome.place = found && (outcome.moved || !row.value("resume").is_null());
    }
    at_hub.await_same(&school.edge)?;
    let at_edge = lesson(&school.edge)?;
    let second = Learner::enter(&at_edge)?;
    let units = row.number("units", at_edge.units()).min(at_edge.units());
    for unit in 0..units {
        let found = second.within(unit, |it| {
            let found = unit > 0 || (has_place && it.finds(&fresh, &left)?);
            it.finish(&at_edge, unit)?;
            Ok(found)
        })?;
        if unit == 0 {
            outcome.second = found && (outcome.moved || !row.value("resume").is_null());
        }
        let standing = at_edge.await_done(unit)?;
        outcome.standings.push(standing);
    }
    outcome.second &= at_edge.await_same(&school.hub).is_ok();
    outcome.statements = at_hub.statements()?;
    Ok(outcome)
}

#[test]
fn packages_of_others_are_played() -> Result<()> {
    let Some(clones) = env::var_os(CLONES).map(PathBuf::from) else {
        eprintln!("left out: no {CLONES}; `cargo xtask test --courses --packages FOLDER`");
        return Ok(());
    };
    let rows = Row::all(&env::var(ONLY).unwrap_or_default())?;
    let school = School::start()?;
    let mut report = Report::default();
    for (n, row) in rows.iter().enumerate() {
        let outcome = play(&school, row, &clones, n);
        report.add(row, outcome);
        report.write()?;
    }
    report.expect()
}
