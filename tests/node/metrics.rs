//! What Prometheus is told, and who else.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::scraper::{self, LISTEN};
use hedgeschool_tests::{Client, Node, address, course, is_own_host, statement};
use http::Method;
use openmetrics_parser::openmetrics::parse_openmetrics;

use crate::tree::{learner, node, soon, under};

/// What labels there may be: of none of these are there many.
const LABELS: [&str; 8] =
    ["code", "component", "database", "event", "node", "route", "store", "version"];

const FORM: &str = "application/x-www-form-urlencoded";

/// All figures, once a strict reader has taken them.
fn scrape(scraper: &Client) -> Result<String> {
    let answer = scraper.get("/metrics")?.expect(200)?;
    let kind = answer.header("content-type");
    ensure!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    let text = answer.text();
    let families = parse_openmetrics(&text).map_err(|error| anyhow::anyhow!("{error}: {text}"))?;
    let families = &families.families;
    for (name, family) in families {
        ensure!(!family.help.is_empty(), "{name} has no help");
        for label in family.get_label_names() {
            ensure!(LABELS.contains(&label.as_str()), "{name} has the label {label}");
        }
    }
    Ok(text)
}

/// One figure: the value after its name and labels.
fn figure(text: &str, name: &str) -> Result<f64> {
    let line = text.lines().find(|line| line.split(' ').next() == Some(name));
    let value =
        line.and_then(|line| line.split(' ').nth(1)).with_context(|| format!("no {name}"))?;
    Ok(value.parse()?)
}

/// Does what can go wrong and right once.
fn use_it(node: &Node) -> Result<()> {
    let package = course::package("https://example.org/metrics", "Metrics")?;
    let zip = Some(("application/zip", package.as_slice()));
    let public = format!("{}?public=true", course::COURSES);
    let course = node.admin().send(Method::POST, &public, zip)?.expect(201)?.json()?;
    node.admin().send(Method::POST, &public, Some(("application/zip", b"no".as_slice())))?;
    let file = format!("/content/p/{}/index.html", course["package"].as_str().context("none")?);
    for _ in 0..3 {
        node.content().get(&file)?.expect(200)?;
    }
    node.content().get(&format!("{file}x"))?.expect(404)?;
    statement::post(&node.xapi(), &statement::new_id())?;
    node.xapi().get("/xapi/statements?limit=x")?.expect(400)?;
    let stranger = node.anonymous().with_header("x-experience-api-version", "1.0.3");
    stranger.get("/xapi/statements")?.expect(401)?;
    stranger.with_basic("nobody:no-such-secret").get("/xapi/statements")?.expect(401)?;
    let form = Some((FORM, b"name=ada&password=wrong".as_slice()));
    node.anonymous().send(Method::POST, "/auth/sign-in", form)?.expect(303)?;
    node.anonymous().get("/nowhere")?;
    node.anonymous().get(&address("/content/f/none/none/a", &[]))?;
    Ok(())
}

#[test]
fn what_is_counted_is_read_by_a_strict_reader_cold_and_in_use() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let node = LISTEN.iter().fold(Node::builder()?, |node, word| node.argument(word)).start()?;
    let scraper = scraper::of(&node)?;
    let cold = scrape(&scraper)?;
    let posts =
        "hedge_http_requests_total{component=\"progress\",route=\"/xapi/...\",code=\"2xx\"}";
    ensure!(figure(&cold, posts)? == 0.0, "{cold}");
    use_it(&node)?;
    let warm = scrape(&scraper)?;
    ensure!(figure(&warm, posts)? == 1.0, "{warm}");
    let refused = posts.replace("2xx", "4xx");
    ensure!(figure(&warm, &refused)? == 3.0, "{warm}");
    let within = "hedge_http_request_duration_seconds_bucket{le=\"0.05\",component=\"progress\",\
        route=\"/xapi/...\"}";
    ensure!(figure(&warm, within)? <= 4.0, "{warm}");
    for event in ["sign-in-refused", "credentials-refused"] {
        let event = format!("hedge_events_total{{component=\"identity\",event=\"{event}\"}}");
        ensure!(figure(&warm, &event)? == 1.0, "{event}: {warm}");
    }
    ensure!(figure(&warm, "hedge_cache_hits_total")? == 2.0, "{warm}");
    ensure!(figure(&warm, "hedge_sqlite_writes_total{database=\"progress\"}")? >= 1.0, "{warm}");
    let commits = "hedge_sqlite_commit_seconds_total{database=\"progress\"}";
    ensure!(figure(&warm, commits)? > 0.0, "{warm}");
    ensure!(figure(&warm, "hedgeschool_journal_sequence{store=\"progress\"}")? >= 1.0, "{warm}");
    ensure!(figure(&warm, "process_resident_memory_bytes")? > 1e6, "{warm}");
    ensure!(figure(&warm, "hedge_disk_free_bytes")? > 0.0, "{warm}");
    // The same names, used or not: a rule that names one finds it.
    let names = |text: &str| -> BTreeSet<String> {
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        types.filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect()
    };
    // But for events, whose names are the components'.
    let names_before = &names(&cold) | &BTreeSet::from(["hedge_events".to_owned()]);
    ensure!(names_before == names(&warm), "{:?}", names(&warm).difference(&names_before));
    Ok(())
}

/// Writes nonsense over the later half of a stopped node's statements.
fn damage(node: &Node) -> Result<()> {
    let mut file =
        File::options().read(true).write(true).open(node.folder().join("progress.db"))?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size / 2))?;
    Ok(file.write_all(&vec![0xa5; (size - size / 2) as usize])?)
}

#[test]
fn a_damaged_page_is_counted_when_somebody_meets_it() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let mut node =
        LISTEN.iter().fold(Node::builder()?, |node, word| node.argument(word)).start()?;
    for _ in 0..200 {
        statement::post(&node.xapi(), &statement::new_id())?;
    }
    node.terminate()?;
    damage(&node)?;
    node.restart()?;
    let damaged = "hedge_sqlite_damaged_total{database=\"progress\"}";
    soon("somebody meets it", || {
        node.xapi().get("/xapi/statements?limit=0")?;
        Ok(figure(&scrape(&scraper::of(&node)?)?, damaged)? > 0.0)
    })
}

#[test]
fn how_a_node_stands_with_others_is_told_to_operators_under_any_host() -> Result<()> {
    let hub = node("hub", &["edge"])?.start()?;
    let edge = under(node("edge", &[])?, "edge", &hub.address()).start()?;
    hub.admin().post("/auth/people", &learner("ada"))?.expect(201)?;
    let place = "/sync/v1/metrics";
    edge.anonymous().get(place)?.expect(401)?;
    soon("she is there", || {
        let ada = edge.anonymous().with_basic("ada:a-long-password");
        Ok(ada.get(place)?.status == 403)
    })?;
    soon("it has told of itself", || {
        let above = scrape(&prefixed(&hub))?;
        Ok(figure(&above, "hedgeschool_node_unsynced_entries{node=\"edge\"}").is_ok())
    })?;
    statement::post(&edge.xapi(), &statement::new_id())?;
    soon("it has arrived", || {
        let below = scrape(&prefixed(&edge))?;
        Ok(figure(&below, "hedgeschool_unsynced_entries")? == 0.0
            && figure(&below, "hedgeschool_upstream_silence_seconds")? < 60.0)
    })
}

/// An operator who reads what the stores know.
fn prefixed(node: &Node) -> Client {
    Client::new(&format!("{}/sync/v1", node.address())).with_basic(Node::ADMIN)
}

#[test]
fn nobody_whom_the_node_serves_finds_the_hosts_figures() -> Result<()> {
    let node = Node::start()?;
    ensure!(!node.log().contains("Metrics: "), "nobody has asked for them");
    for place in ["/metrics", "/.well-known/spin/metrics"] {
        ensure!(node.admin().get(place)?.status == 404, "{place}");
    }
    Ok(())
}
