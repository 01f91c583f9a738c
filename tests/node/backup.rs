//! Backups of nodes that run, and nodes that go on from one: alone, below a hub, and as the hub.

#![allow(clippy::unwrap_used, reason = "a lock that is poisoned is a failure of this test")]

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Result, ensure};
use hedgeschool_tests::{
    Builder, Node, audit, eventually, is_own_host, repository, statement, storm,
};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::tree::{completed, has, learner, node, pair, sign_in, soon, under};

/// Clients that post while the backup is made.
const WRITERS: usize = 4;
const BATCH: usize = 20;
/// Statements that there are before it begins.
const BEFORE: usize = 500;
const STORES: [&str; 3] = ["content", "identity", "progress"];

/// Runs `hedge COMMAND` on the node of a state folder.
fn hedge(folder: &Path, arguments: &[&str]) -> Result<Output> {
    let mut hedge = Command::new(repository("target/host/hedge"));
    hedge.args(arguments).arg("--state-dir").arg(folder);
    hedge.arg("--runtime-config-file").arg(repository("runtime-config.toml"));
    Ok(hedge.current_dir(folder).output()?)
}

fn succeed(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = hedge(folder, arguments)?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// What a command says that is to fail.
fn fail(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = hedge(folder, arguments)?;
    ensure!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(String::from_utf8(output.stderr)?)
}

fn back_up(node: &Node, to: &Path) -> Result<String> {
    succeed(node.folder(), &["backup", "--to", &to.display().to_string()])
}

/// Puts back a backup in the folder of a node that does not run.
fn restore(folder: &Path, from: &Path) -> Result<String> {
    succeed(folder, &["restore", &from.display().to_string()])
}

/// The names of this copy of each store.
fn epochs(folder: &Path) -> Result<Vec<String>> {
    let epoch = |store| {
        let database = Connection::open(folder.join(format!("{store}.db")))?;
        let sql = "SELECT epoch FROM journal_copy";
        Ok(database.query_row(sql, (), |row| row.get(0))?)
    };
    STORES.into_iter().map(epoch).collect()
}

/// What clients post, and what they have heard is stored.
#[derive(Default)]
struct Posted {
    all: HashSet<String>,
    acknowledged: HashSet<String>,
}

impl Posted {
    fn post(posted: &Mutex<Self>, node: &Node) -> Result<()> {
        let batch: Vec<_> = (0..BATCH).map(|_| storm::random_statement()).collect();
        let ids = batch.iter().filter_map(|statement| statement["id"].as_str().map(str::to_owned));
        posted.lock().unwrap().all.extend(ids);
        let ids = statement::store(&node.xapi(), &json!(batch))?;
        posted.lock().unwrap().acknowledged.extend(ids);
        Ok(())
    }
}

/// Has clients post as fast as they can while something is done; answers what was acknowledged
/// before that began, and what was posted at all.
fn while_posting(node: &Node, act: impl FnOnce() -> Result<()>) -> Result<[HashSet<String>; 2]> {
    let (posted, is_over) = (Mutex::<Posted>::default(), AtomicBool::new(false));
    let before = thread::scope(|scope| {
        let write = || -> Result<()> {
            while !is_over.load(Ordering::SeqCst) {
                Posted::post(&posted, node)?;
            }
            Ok(())
        };
        let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(write)).collect();
        let result = eventually("enough statements are acknowledged", || {
            ensure!(!writers.iter().any(|writer| writer.is_finished()), "a writer has ended");
            let acknowledged = &posted.lock().unwrap().acknowledged;
            Ok((acknowledged.len() >= BEFORE).then(|| acknowledged.clone()))
        })
        .and_then(|before| act().map(|()| before));
        is_over.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.join().unwrap()?;
        }
        result
    })?;
    Ok([before, posted.into_inner().unwrap().all])
}

#[test]
fn a_backup_made_amid_writes_has_all_that_was_acknowledged_before_it_began() -> Result<()> {
    let node = Node::start()?;
    node.admin().post("/auth/people", &learner("ana"))?.expect(201)?;
    // A store has a name from its first use on.
    node.admin().get("/content/v1/courses")?.expect(200)?;
    let backups = TempDir::new()?;
    let backup = backups.path().join("backup");
    let [before, all] = while_posting(&node, || back_up(&node, &backup).map(drop))?;
    for entry in fs::read_dir(&backup)? {
        let mode = entry?.metadata()?.permissions().mode() & 0o777;
        ensure!(mode == 0o600, "others may read a file of the backup: {mode:o}");
    }
    assert_eq!(fs::metadata(&backup)?.permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_dir(backups.path())?.count(), 1, "something is left beside the backup");

    let fresh = Node::builder()?;
    let said = restore(fresh.folder(), &backup)?;
    ensure!(said.contains("progress.db is as it was at 2"), "{said}");
    ensure!(!said.contains("replaced"), "{said}");
    let there = audit::statements(fresh.folder())?;
    ensure!(before.is_subset(&there) && there.is_subset(&all), "statements are lost, or made up");
    let fresh = fresh.start()?;
    let served: HashSet<_> = statement::all_ids(&fresh.xapi())?.into_iter().collect();
    assert_eq!(served, there);
    assert_eq!(sign_in(&fresh, "ana")?, "/");
    statement::post(&fresh.xapi(), &statement::new_id())?;
    // The copies have names of their own.
    fresh.admin().get("/content/v1/courses")?.expect(200)?;
    let (old, new) = (epochs(node.folder())?, epochs(fresh.folder())?);
    ensure!(old.iter().zip(&new).all(|(old, new)| old != new), "{old:?} {new:?}");
    Ok(())
}

/// So many statements of a learner, posted to a node.
fn post_some(node: &Node, of: &str, count: usize) -> Result<Vec<Value>> {
    let activity = |n| format!("https://example.org/{n}");
    let statements: Vec<_> = (0..count).map(|n| completed(of, &activity(n))).collect();
    statement::store(&node.xapi(), &json!(statements))?;
    Ok(statements)
}

fn has_exactly(node: &Node, statements: &[Value]) -> Result<bool> {
    if statement::count(&node.xapi())? != statements.len() {
        return Ok(false);
    }
    for statement in statements {
        ensure!(has(node, statement)?, "{statement} is missing");
    }
    Ok(true)
}

#[test]
fn an_edge_restored_from_an_old_backup_gets_back_what_it_had_sent() -> Result<()> {
    let (hub, mut edge) = pair()?;
    edge.admin().post("/auth/people", &learner("ana"))?.expect(201)?;
    assert_eq!(sign_in(&edge, "ana")?, "/");
    let mut all = post_some(&edge, "ana", 20)?;
    let folder = TempDir::new()?;
    let backup = folder.path().join("backup");
    back_up(&edge, &backup)?;
    // What was sent before the backup, what after, and what comes to be in the places of these.
    all.extend(post_some(&edge, "ana", 30)?);
    soon("the hub has them", || has_exactly(&hub, &all))?;
    edge.terminate()?;
    let before = epochs(edge.folder())?;
    let said = restore(edge.folder(), &backup)?;
    ensure!(said.contains("What was there before is in"), "{said}");
    edge.restart()?;
    all.extend(post_some(&edge, "ana", 40)?);
    soon("the hub has the new ones", || has_exactly(&hub, &all))?;
    soon("the edge has the old ones", || has_exactly(&edge, &all))?;
    let after = epochs(edge.folder())?;
    ensure!(before.iter().zip(&after).all(|(old, new)| old != new), "{before:?} {after:?}");
    // Nothing is deleted.
    let replaced = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().contains("replaced-");
    let replaced = fs::read_dir(edge.folder())?.flatten().find(replaced);
    let replaced = replaced.map(|entry| entry.path()).unwrap_or_default();
    assert_eq!(audit::statements(&replaced)?.len(), 50);
    Ok(())
}

#[test]
fn a_hub_restored_to_last_week_gets_everything_again() -> Result<()> {
    let mut hub = node("hub", &["north", "south"])?.start()?;
    let start =
        |name: &str| -> Result<Node> { under(node(name, &[])?, name, &hub.address()).start() };
    let (north, south) = (start("north")?, start("south")?);
    let edges = [&north, &south];
    let mut all = post_some(&north, "ana", 20)?;
    all.extend(post_some(&south, "bob", 20)?);
    hub.admin().post("/auth/people", &learner("everywhere"))?.expect(201)?;
    soon("the hub has the first", || has_exactly(&hub, &all))?;
    let folder = TempDir::new()?;
    let backup = folder.path().join("backup");
    back_up(&hub, &backup)?;
    all.extend(post_some(&north, "ana", 30)?);
    all.extend(post_some(&south, "bob", 10)?);
    soon("the hub has the second", || has_exactly(&hub, &all))?;
    hub.terminate()?;
    restore(hub.folder(), &backup)?;
    hub.restart()?;
    all.extend(post_some(&north, "ana", 5)?);
    all.extend(post_some(&hub, "cleo", 25)?);
    soon("the hub has everything again", || has_exactly(&hub, &all))?;
    // What the hub makes now is news below, although its journals are shorter than they were.
    hub.admin().post("/auth/people", &learner("new"))?.expect(201)?;
    for edge in edges {
        soon("news come down", || Ok(sign_in(edge, "new").is_ok()))?;
    }
    Ok(())
}

#[test]
fn nothing_but_a_whole_backup_takes_the_place_of_what_a_stopped_node_has() -> Result<()> {
    let mut node = Node::start()?;
    statement::post(&node.xapi(), &statement::new_id())?;
    let folder = TempDir::new()?;
    let backup = folder.path().join("backup");
    let name = backup.display().to_string();
    let refused = fail(
        node.folder(),
        &["backup", "--to", &folder.path().join("no/where").display().to_string()],
    )?;
    ensure!(refused.contains("--to"), "{refused}");
    back_up(&node, &backup)?;
    let refused = fail(node.folder(), &["backup", "--to", &name])?;
    ensure!(refused.contains("--force replaces it"), "{refused}");
    succeed(node.folder(), &["backup", "--to", &name, "--force"])?;
    let refused = fail(node.folder(), &["backup", "--force", "--to", "."])?;
    ensure!(refused.contains("something else than a backup"), "{refused}");
    let empty = TempDir::new()?;
    let refused = fail(empty.path(), &["backup", "--to", "backup"])?;
    ensure!(refused.contains("there is no database here"), "{refused}");

    node.xapi().get(statement::PATH)?.expect(200)?;
    let refused = fail(node.folder(), &["restore", &name])?;
    ensure!(refused.contains("stop it first"), "{refused}");
    node.terminate()?;
    let there = || -> Result<Vec<_>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(node.folder())? {
            names.push((
                entry.as_ref().map(fs::DirEntry::file_name).ok(),
                entry?.metadata()?.modified()?,
            ));
        }
        names.sort();
        Ok(names)
    };
    let before = there()?;
    let refused = fail(node.folder(), &["restore", &folder.path().display().to_string()])?;
    ensure!(refused.contains("is no backup"), "{refused}");
    let file = backup.join("sqlite_database.progress.db");
    let mut bytes = fs::read(&file)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, &bytes)?;
    let refused = fail(node.folder(), &["restore", &name])?;
    ensure!(refused.contains("it is damaged"), "{refused}");
    bytes.truncate(middle);
    fs::write(&file, &bytes)?;
    fail(node.folder(), &["restore", &name])?;
    fs::remove_file(&file)?;
    fail(node.folder(), &["restore", &name])?;
    assert_eq!(there()?, before);
    node.restart()?;
    assert_eq!(statement::count(&node.xapi())?, 1);
    Ok(())
}

#[test]
fn two_nodes_do_not_work_in_one_folder() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let mut node = Node::start()?;
    let second = || -> Result<Builder> { Ok(Node::builder()?.in_folder_of(&node)) };
    let (status, log) = second()?.fail()?;
    ensure!(!status.success() && log.contains("stop it first"), "{log}");
    let second = second()?;
    node.kill()?;
    second.start()?;
    Ok(())
}
