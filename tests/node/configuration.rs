//! What the embedded host does with its configuration before it serves.

use std::fs;

use anyhow::{Result, ensure};
use hedgeschool_tests::{Node, is_own_host, repository, statement};
use tempfile::TempDir;

#[test]
fn wrong_configuration_is_refused_before_anything_is_compiled() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let folder = TempDir::new()?;
    let cache = folder.path().join("cache");
    let config = folder.path().join("runtime-config.toml");
    let text = fs::read_to_string(repository("runtime-config.toml"))?;
    fs::write(&config, text.replace("progress.db", "/no/such/folder/progress.db"))?;
    let builder = Node::builder()?.runtime_config(&config);
    let cache_dir = format!("--cache-dir={}", cache.display());
    let (status, said) = builder.argument(&cache_dir).fail()?;
    ensure!(status.code() == Some(1), "{status}: {said}");
    ensure!(said.contains("there is no folder /no/such/folder"), "{said}");
    ensure!(!said.contains("compil") && !cache.exists(), "{said}");
    Ok(())
}

#[test]
fn without_a_cache_of_the_user_compiled_components_are_in_the_state_folder() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    // No folder can be made below it, not even by root.
    let nobody = [("HOME", "/dev/null"), ("XDG_CACHE_HOME", "")];
    let nobody = nobody.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let mut node = Node::builder()?.environment(nobody).start()?;
    let compiled = fs::read_dir(node.folder().join("cache"))?.flatten();
    let compiled = compiled.filter(|it| it.path().extension().is_some_and(|it| it == "cwasm"));
    ensure!(compiled.count() > 0, "{}", node.log());
    let id = statement::new_id();
    statement::post(&node.xapi(), &id)?;
    node.terminate()?;
    node.restart()?;
    statement::read(&node.xapi(), &id)?;
    ensure!(node.log().matches("compiling").count() == 1, "{}", node.log());
    Ok(())
}

#[test]
fn the_state_folder_that_is_named_holds_all_state_and_nothing_is_passed_over() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let elsewhere = TempDir::new()?;
    let state_dir = format!("--state-dir={}", elsewhere.path().display());
    let mut node = Node::builder()?.start()?;
    let id = statement::new_id();
    statement::post(&node.xapi(), &id)?;
    node.terminate()?;
    // Its databases are in the working directory, where they were before 0.2 whatever was named.
    let moved = Node::builder()?.in_folder_of(&node).argument(&state_dir);
    let (status, said) = moved.clone().fail()?;
    ensure!(status.code() == Some(1) && said.contains("move it"), "{status}: {said}");
    for entry in fs::read_dir(node.folder())?.flatten() {
        if entry.file_name().to_string_lossy().contains(".db") {
            fs::rename(entry.path(), elsewhere.path().join(entry.file_name()))?;
        }
    }
    let node = moved.start()?;
    statement::read(&node.xapi(), &id)?;
    Ok(())
}

#[test]
fn what_compiling_takes_is_given_back() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let cache = TempDir::new()?;
    let cache = format!("--cache-dir={}", cache.path().join("cache").display());
    let mut node = Node::builder()?.argument(&cache).start()?;
    let first = node.memory()?;
    node.terminate()?;
    node.restart()?;
    let later = node.memory()?;
    println!("{first} bytes after compiling, {later} without");
    ensure!(first < 5 * later, "{first} bytes after compiling, {later} without");
    Ok(())
}
