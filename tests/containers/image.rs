//! Images: of other apps, and with components that were changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, eventually, repository};
use serde_json::Value;
use tempfile::TempDir;

use crate::{archive, pack, with_containerd, with_image};

/// The blobs of an image's layout, by digest, with their sizes.
fn blobs(archive: &Path) -> Result<BTreeMap<String, u64>> {
    let layout = archive.with_file_name("oci").join("blobs/sha256");
    let entries = fs::read_dir(&layout).with_context(|| format!("{}", layout.display()))?;
    let sizes = entries.map(|entry| {
        let entry = entry?;
        Ok((entry.file_name().to_string_lossy().into_owned(), entry.metadata()?.len()))
    });
    sizes.collect()
}

#[test]
fn another_app_runs_too() -> Result<()> {
    with_containerd(|containerd| {
        let manifest = repository("examples/statement-counter/spin.toml");
        let archive = pack(&manifest.display().to_string(), "counter", "localhost/counter:1")?;
        containerd.import(&archive)?;
        let port = hedgeschool_tests::free_port()?;
        let counter = containerd.container("localhost/counter:1", "counter").listen(port);
        let mut attached = counter.attach()?;
        let client = Client::new(&format!("http://127.0.0.1:{port}"));
        eventually("it answers", || {
            Ok(client.get("/").ok().filter(|answer| answer.status == 200))
        })?;
        containerd.ctr(&["task", "kill", "--signal", "SIGTERM", "counter"])?;
        ensure!(attached.wait()?.success(), "{}", attached.log());
        containerd.await_nothing_left()
    })
}

#[test]
fn a_component_that_was_changed_never_runs_as_what_it_was() -> Result<()> {
    with_image(|containerd| {
        // The same component but for a section of no meaning, in the place of the image's.
        let wasm = repository("target/wasm32-wasip2/release/hedgeschool_portal.wasm");
        let mut changed = fs::read(wasm)?;
        changed.extend_from_slice(b"\x00\x02\x01x");
        let folder = TempDir::new()?;
        let file = folder.path().join("portal.wasm");
        fs::write(&file, changed)?;
        let app = crate::app(containerd, "changed");
        let app = app.mount(&file, "/components/hedgeschool_portal.wasm", "ro");
        let mut served = app.serve()?;
        let log = served.attached.log();
        ensure!(log.contains("compiled portal") && !log.contains("compiled progress"), "{log}");
        containerd.ctr(&["task", "kill", "--signal", "SIGTERM", "changed"])?;
        served.attached.wait()?;
        Ok(())
    })
}

#[test]
fn an_app_is_told_by_name_what_it_asks_for_in_vain() -> Result<()> {
    with_containerd(|containerd| {
        let app = TempDir::new()?;
        let manifest = app.path().join("spin.toml");
        fs::write(
            &manifest,
            "spin_manifest_version = 2\n[application]\nname = 'wanting'\n\
             [[trigger.http]]\nroute = '/'\ncomponent = 'c'\n[component.c]\nsource = 'c.wasm'\n",
        )?;
        fs::write(app.path().join("runtime-config.toml"), "")?;
        let text = r#"(component
            (import "fermyon:spin/llm@2.0.0" (instance (export "infer" (func)))))"#;
        fs::write(app.path().join("c.wasm"), wat::parse_str(text)?)?;
        let archive = pack(&manifest.display().to_string(), "wanting", "localhost/wanting:1")?;
        containerd.import(&archive)?;
        let (status, text) = containerd.container("localhost/wanting:1", "wanting").output()?;
        ensure!(status.code() == Some(1), "{status}: {text}");
        ensure!(text.contains("component.c") && text.contains("fermyon:spin/llm"), "{text}");
        containerd.await_nothing_left()
    })
}

#[test]
fn an_image_is_small_repeats_itself_and_an_update_carries_little() -> Result<()> {
    let first = archive()?;
    let sizes = blobs(&first)?;
    let all: u64 = sizes.values().sum();
    ensure!(all <= 20_000_000, "{all} bytes");
    let manifest = repository("spin.toml").display().to_string();
    let second = pack(&manifest, "app-again", crate::IMAGE)?;
    ensure!(fs::read(&first)? == fs::read(&second)?, "two images of one app differ");
    // The same app with another sign-in page, as it were.
    let copy = TempDir::new()?;
    let release = copy.path().join("target/wasm32-wasip2/release");
    fs::create_dir_all(&release)?;
    for file in fs::read_dir(repository("target/wasm32-wasip2/release"))?.flatten() {
        if file.path().extension().is_some_and(|name| name == "wasm") {
            fs::copy(file.path(), release.join(file.file_name()))?;
        }
    }
    for file in ["spin.toml", "runtime-config.toml"] {
        fs::copy(repository(file), copy.path().join(file))?;
    }
    let portal = release.join("hedgeschool_identity.wasm");
    let mut changed = fs::read(&portal)?;
    changed.extend_from_slice(b"\x00\x02\x01x");
    fs::write(&portal, changed)?;
    let manifest = copy.path().join("spin.toml").display().to_string();
    let update = blobs(&pack(&manifest, "app-update", crate::IMAGE)?)?;
    let fresh = update.iter().filter(|(digest, _)| !sizes.contains_key(*digest));
    let carried: u64 = fresh.map(|(_, size)| size).sum();
    println!("{all} bytes, of which an update of one component carries {carried}");
    Ok(())
}

/// Whether a document says of a layer which media type it has; keeps the layout honest.
#[test]
fn the_layout_is_one() -> Result<()> {
    let index = fs::read(archive()?.with_file_name("oci").join("index.json"))?;
    let index: Value = serde_json::from_slice(&index)?;
    let name = &index["manifests"][0]["annotations"]["io.containerd.image.name"];
    assert_eq!(name, crate::IMAGE);
    Ok(())
}
