//! Nodes of release 0.1.0 with nodes of today: `cargo xtask test --mixed` builds the former and
//! runs these.

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Builder, Exchange, Node, Relay, repository, statement};
use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::school::{self, HUB_AT};
use crate::tree::{completed, has, soon};

/// Says where 0.1.0 is built.
const OLD: &str = "HEDGE_TEST_FIRST_RELEASE";
/// Where what 0.1.0 leaves behind goes; what is in tests/fixtures was made like this.
const MADE: &str = "target/0.1.0";
/// How many exchanges of a kind are kept.
const KEPT: usize = 12;

/// Release 0.1.0's components, on its own host.
fn old() -> Result<Builder> {
    Node::builder_of(&old_root()?)
}

/// The same on today's host.
fn old_on_todays_host() -> Result<Builder> {
    let root = old_root()?;
    let build = Node::app(&root.join("spin.toml"), &root.join("runtime-config.toml"))?;
    let build = build.variable("bootstrap_admin", Node::ADMIN);
    Ok(build.variable("bootstrap_client", Node::CLIENT))
}

fn old_root() -> Result<PathBuf> {
    let folder = env::var_os(OLD).with_context(|| {
        format!("{OLD} names no folder: `cargo xtask test --mixed` builds 0.1.0 and runs this")
    })?;
    Ok(PathBuf::from(folder))
}

/// Lets two nodes live through a day, and brings the link back.
fn get_along(hub: &Node, edge: &Node, hub_at: &str) -> Result<()> {
    school::live(hub, edge, hub_at)?;
    let _link = Relay::start(hub_at, &hub.address(), |_, _| {})?;
    school::agree(hub, edge)?;
    let next = completed("ada", "https://example.org/next");
    statement::store(&edge.xapi(), &next)?;
    soon("what is recorded afterwards goes up", || has(hub, &next))
}

#[test]
#[ignore = "cargo xtask test --mixed"]
fn an_edge_of_0_1_0_below_a_hub_of_today() -> Result<()> {
    let hub_at = "127.18.67.6:18675";
    let hub = school::hub()?.start()?;
    let edge = school::edge_of(old_on_todays_host()?, hub_at).start()?;
    get_along(&hub, &edge, hub_at)
}

#[test]
#[ignore = "cargo xtask test --mixed"]
fn an_edge_of_today_below_a_hub_of_0_1_0() -> Result<()> {
    let hub_at = "127.18.67.7:18675";
    let hub = school::hub_of(old_on_todays_host()?).start()?;
    let edge = school::edge(hub_at)?.start()?;
    get_along(&hub, &edge, hub_at)?;
    let status = edge.admin().get("/sync/v1/status")?.expect(200)?.json()?;
    ensure!(status["upstream"]["is_older"] == true, "{status}");
    let page = edge.browser(&edge.sign_in(Node::ADMIN)?).get("/admin/node")?.expect(200)?;
    ensure!(page.text().contains("earlier release"), "the page says so");
    Ok(())
}

#[test]
#[ignore = "cargo xtask test --mixed"]
fn an_edge_that_is_upgraded_in_the_middle_goes_on() -> Result<()> {
    let hub_at = "127.18.67.8:18675";
    let hub = school::hub_of(old_on_todays_host()?).start()?;
    let mut edge = school::edge_of(old()?, hub_at).start()?;
    school::live(&hub, &edge, hub_at)?;
    edge.terminate()?;
    let edge = school::edge(hub_at)?.in_folder_of(&edge).start()?;
    let _link = Relay::start(hub_at, &hub.address(), |_, _| {})?;
    school::agree(&hub, &edge)
}

#[test]
#[ignore = "cargo xtask test --mixed"]
fn what_0_1_0_leaves_behind_can_be_made_again() -> Result<()> {
    let mut hub = school::hub_of(old()?).start()?;
    let mut edge = school::edge_of(old()?, HUB_AT).start()?;
    let carried = school::live(&hub, &edge, HUB_AT)?;
    let made = repository(MADE);
    fs::create_dir_all(&made)?;
    for (name, node) in [("hub", &mut hub), ("edge", &mut edge)] {
        node.terminate()?;
        pack(node.folder(), &made.join(format!("{name}.zip")))?;
    }
    let messages = lines(&carried)?;
    ensure!(messages.contains("/sync/v1/entries") && messages.contains("/sync/v1/pull"));
    Ok(fs::write(made.join("messages.jsonl"), messages)?)
}

/// Packs a node's databases. An orderly end has emptied their write-ahead logs.
fn pack(folder: &Path, archive: &Path) -> Result<()> {
    let mut zip = ZipWriter::new(File::create(archive)?);
    for name in ["content.db", "identity.db", "progress.db"] {
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(&fs::read(folder.join(name))?)?;
        let log = fs::metadata(folder.join(format!("{name}-wal"))).map_or(0, |log| log.len());
        ensure!(log == 0, "{name} has a write-ahead log of {log} bytes");
    }
    zip.finish()?;
    Ok(())
}

/// The exchanges that say something, a line each.
fn lines(exchanges: &[Exchange]) -> Result<String> {
    let mut text = String::new();
    for path in ["/sync/v1/pull", "/sync/v1/entries", "/sync/v1/record"] {
        let of_kind = exchanges.iter().filter(|exchange| exchange.path == path);
        for exchange in of_kind.filter(|exchange| says_something(exchange)).take(KEPT) {
            let Exchange { path, asked, status, answered } = exchange;
            text += &format!(
                "{{\"path\":\"{path}\",\"asked\":{asked},\"status\":{status},\"answered\":{answered}}}\n"
            );
        }
    }
    Ok(text)
}

/// Whether an exchange has entries, in either direction.
fn says_something(exchange: &Exchange) -> bool {
    let has_entries = |text: &str| {
        let body: Value = serde_json::from_str(text).unwrap_or_default();
        let pages = body["journals"].as_object().into_iter().flatten();
        let mut pages = pages.map(|(_, feed)| &feed["page"]["entries"]);
        let is_some = |entries: &Value| entries.as_array().is_some_and(|some| !some.is_empty());
        is_some(&body["entries"]) || pages.any(is_some)
    };
    exchange.status == 200 && (has_entries(&exchange.asked) || has_entries(&exchange.answered))
}
