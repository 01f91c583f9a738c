//! Acknowledged means durable: power fails at any moment, and with it goes what was not synced.
//!
//! `tests/bad-machine` explains what is lost.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hedgeschool_tests::storm::{Moment, Storm};
use hedgeschool_tests::{Disk, Node, audit, repository, statement, storm};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tempfile::TempDir;

/// How often power is lost.
const LOSSES: usize = 25;
/// Of these, while a node makes its databases.
const EARLY_LOSSES: usize = 5;

#[test]
fn a_node_that_loses_power_at_any_moment_loses_nothing_acknowledged() -> Result<()> {
    let mut random = storm::seeded()?;
    let builder = Node::builder()?;
    let disk = Disk::under(builder.folder())?;
    let mut node = builder.environment(disk.environment()?).start()?;
    let mut posted = Storm::default();
    for loss in 1..=LOSSES {
        let mut moment = Moment::random(&mut random);
        if loss <= EARLY_LOSSES {
            moment = Moment { writes: 0, pause: 4 * moment.pause };
        }
        let torn = random.random();
        let what = || format!("loss {loss}, torn: {torn}, {moment:?}");
        posted.add(storm::until_killed(&mut node, moment.writes, moment.pause).with_context(what)?);
        if torn {
            disk.lose_power_torn(&mut random)?
        } else {
            disk.lose_power()?
        }
        // Before the first answer there need not be a database.
        if !posted.acknowledged.is_empty() {
            posted.check(&audit::statements(node.folder())?).with_context(what)?;
        }
        node.restart().with_context(what)?;
        posted.retry(&node.xapi()).with_context(what)?;
    }
    posted.check(&statement::all_ids(&node.xapi())?.into_iter().collect())?;
    println!("{} statements survived {LOSSES} losses of power", posted.acknowledged.len());
    Ok(())
}

/// The test above must be able to fail.
#[test]
fn a_disk_that_only_claims_to_sync_is_found_out() -> Result<()> {
    let builder = Node::builder()?;
    let disk = Disk::under(builder.folder())?;
    let mut node = builder.environment(disk.environment()?).start()?;
    let mut posted = storm::until_killed(&mut node, 20, Duration::ZERO)?;
    disk.lose_power()?;
    posted.check(&audit::statements(node.folder())?)?;

    let builder = Node::builder()?.in_folder_of(&node);
    let mut node = builder.environment(disk.lying_environment()?).start()?;
    posted.add(storm::until_killed(&mut node, 20, Duration::ZERO)?);
    disk.lose_power()?;
    let checked = posted.check(&audit::statements(node.folder())?);
    let loss = checked.err().context("the loss went unnoticed")?.to_string();
    ensure!(loss.contains("acknowledged statements are lost"), "{loss}");
    Ok(())
}

#[test]
fn power_takes_what_was_not_synced_and_nothing_else() -> Result<()> {
    let after = |keeps| written(keeps, Disk::lose_power);
    assert_eq!(after("all")?, Some(vec![b'r'; WRITTEN_BYTES]), "synced bytes are lost");
    assert_eq!(after("bytes")?, None, "a name survived without its folder's sync");
    assert_eq!(after("nothing")?, None, "a name survived that was not synced");
    Ok(())
}

#[test]
fn a_torn_write_leaves_some_of_what_was_not_synced_and_all_that_was() -> Result<()> {
    let mut random = StdRng::seed_from_u64(1);
    let mut after = |keeps| written(keeps, |disk| disk.lose_power_torn(&mut random));
    assert_eq!(after("all")?, Some(vec![b'r'; WRITTEN_BYTES]), "synced bytes are lost");
    for _ in 0..20 {
        let left = after("nothing")?.unwrap_or_default();
        let kept = left.iter().filter(|byte| **byte == b'r').count();
        if (1..WRITTEN_BYTES).contains(&kept) {
            return Ok(());
        }
    }
    bail!("no write was torn")
}

/// What `bad_machine_writer` writes before it waits, and in how many records.
const WRITTEN_BYTES: usize = 14_000;
const RECORDS: usize = 20;

/// The file that is left of a program's, after it acknowledged all of its records and power was
/// lost.
fn written(keeps: &str, lose_power: impl FnOnce(&Disk) -> Result<()>) -> Result<Option<Vec<u8>>> {
    let folder = TempDir::new()?;
    let disk = Disk::under(folder.path())?;
    let mut writer = Command::new(repository("target/host/examples/bad_machine_writer"));
    writer.arg(folder.path()).arg(keeps).envs(disk.environment()?);
    let mut writer = writer.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let output = BufReader::new(writer.stdout.take().context("no output")?);
    let acknowledged = output.lines().take(RECORDS).collect::<Result<Vec<_>, _>>()?.len();
    writer.kill()?;
    writer.wait()?;
    ensure!(acknowledged == RECORDS, "only {acknowledged} records were acknowledged");
    // A killed program's file is whole: that is why this takes a disk of its own.
    ensure!(records(folder.path())?.is_some_and(|bytes| bytes.len() == WRITTEN_BYTES));
    lose_power(&disk)?;
    records(folder.path())
}

fn records(folder: &Path) -> Result<Option<Vec<u8>>> {
    let file = folder.join("records");
    Ok(if file.exists() { Some(fs::read(file)?) } else { None })
}
