//! A trace goes with a statement, from the browser that sends it to the row at the hub.

use std::fs;

use anyhow::{Result, ensure};
use hedgeschool_tests::collector::{Collector, Span, draw};
use hedgeschool_tests::{Browser, Node, eventually, is_own_host, repository, statement};

use crate::pages::ADA;
use crate::pages::lessons::{Classroom, sample};
use crate::tree::{node, soon, under};

/// The picture of the docs.
const PICTURE: &str = "docs/images/trace.svg";

fn is_at(span: &Span, node: &str, component: &str) -> bool {
    let is_of = span.attributes.get("hedge.component").is_some_and(|it| it == component);
    span.node == node && is_of
}

/// Whether a trace is that of a statement which has come all the way.
fn is_whole(spans: &[Span]) -> bool {
    let writes = |node: &str| {
        let is_write = |span: &&Span| span.node == node && span.name == "INSERT progress";
        spans.iter().any(|span| is_write(&span))
    };
    let begins = |span: &Span| {
        span.parent.is_empty() && is_at(span, "edge", "progress") && span.name.contains("/xapi")
    };
    let arrives = spans.iter().any(|span| is_at(span, "hub", "sync"));
    spans.iter().any(begins) && arrives && writes("edge") && writes("hub")
}

/// Two nodes whose traces a collector takes.
fn watched(collector: &Collector) -> Result<(Node, Node)> {
    let hub = node("hub", &["edge"])?.environment(collector.environment("hub")).start()?;
    let edge = under(node("edge", &[])?, "edge", &hub.address());
    Ok((hub, edge.environment(collector.environment("edge")).start()?))
}

/// A statement's trace, from a learner's browser at the edge to the hub.
fn whole_trace() -> Result<Vec<Span>> {
    let collector = Collector::start()?;
    let (hub, edge) = watched(&collector)?;
    let mut classroom = Classroom::at(edge)?;
    classroom.import("Hedges.pdf", "pdf", &sample("document.pdf")?)?;
    let phone = classroom.enter(Browser::phone()?, ADA)?;
    classroom.play(&phone, |page| page.await_text("main", ""))?;
    let trace = eventually("a statement's trace is whole", || {
        Ok(collector.traces().into_values().find(|spans| is_whole(spans)))
    })?;
    ensure!(statement::count(&hub.xapi())? > 0, "the hub has no statement");
    Ok(trace)
}

#[test]
fn a_trace_goes_with_a_statement_from_the_browser_to_the_hub() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let trace = whole_trace()?;
    let is_known = |span: &&Span| trace.iter().any(|it| it.id == span.parent);
    ensure!(trace.iter().filter(is_known).count() == trace.len() - 1, "{trace:#?}");
    // Nothing of it says who, or which course.
    let told = format!("{trace:?}");
    for secret in ["ada", "Hedges", "agent=", "/content/p/", "Bearer"] {
        ensure!(!told.contains(secret), "{secret:?} is in {told}");
    }
    Ok(())
}

#[test]
#[ignore = "makes the picture of docs/monitoring.md"]
fn the_picture_of_a_trace() -> Result<()> {
    let title = "One statement, from a browser at an edge to its row at the hub";
    Ok(fs::write(repository(PICTURE), draw(title, &whole_trace()?))?)
}

#[test]
fn a_collector_that_is_away_holds_up_nobody() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let collector = Collector::start()?;
    let environment = collector.environment("edge");
    drop(collector);
    let mut node = node("edge", &[])?.environment(environment).start()?;
    statement::post(&node.xapi(), &statement::new_id())?;
    soon("the log says so", || Ok(node.log().contains("the collector takes no traces")))?;
    ensure!(node.log().matches("the collector takes no traces").count() == 1, "{}", node.log());
    ensure!(node.terminate()?.success(), "{}", node.log());
    Ok(())
}
