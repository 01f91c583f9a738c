//! Images: of other apps, and with components that were changed.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, eventually, repository, statement};
use serde_json::Value;
use tempfile::TempDir;

use crate::{archive, pack, with_containerd, with_image};

/// Where the app's components are.
const COMPONENTS: &str = "target/wasm32-wasip2/release";

#[test]
fn another_app_runs_too() -> Result<()> {
    with_containerd(|containerd| {
        let manifest = repository("examples/statement-counter/spin.toml");
        let archive = pack(&manifest, "counter", "localhost/counter:1", &[])?;
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
        let portal = repository(COMPONENTS).join("hedgeschool_portal.wasm");
        let folder = TempDir::new()?;
        let file = folder.path().join("portal.wasm");
        fs::write(&file, changed(&portal)?)?;
        let app = crate::app(containerd, "changed");
        let app = app.mount(&file, "/components/hedgeschool_portal.wasm", "ro");
        let mut served = app.serve()?;
        // What it says reaches its log some time after.
        served.end(containerd)?;
        let log = served.attached.log();
        ensure!(log.contains("compiled portal") && !log.contains("compiled progress"), "{log}");
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
        let archive = pack(&manifest, "wanting", "localhost/wanting:1", &[])?;
        containerd.import(&archive)?;
        let (status, text) = containerd.container("localhost/wanting:1", "wanting").output()?;
        ensure!(status.code() == Some(1), "{status}: {text}");
        ensure!(text.contains("component.c") && text.contains("fermyon:spin/llm"), "{text}");
        containerd.await_nothing_left()
    })
}

/// The app with one component changed, in a folder of its own.
fn changed_app(component: &str) -> Result<TempDir> {
    let copy = TempDir::new()?;
    let release = copy.path().join(COMPONENTS);
    fs::create_dir_all(&release)?;
    for file in fs::read_dir(repository(COMPONENTS))?.flatten() {
        if file.path().extension().is_some_and(|name| name == "wasm") {
            fs::copy(file.path(), release.join(file.file_name()))?;
        }
    }
    for file in ["spin.toml", "runtime-config.toml"] {
        fs::copy(repository(file), copy.path().join(file))?;
    }
    let component = release.join(component);
    fs::write(&component, changed(&component)?)?;
    Ok(copy)
}

/// A component with a section of no meaning added.
fn changed(component: &Path) -> Result<Vec<u8>> {
    let mut bytes = fs::read(component)?;
    bytes.extend_from_slice(b"\x00\x02\x01x");
    Ok(bytes)
}

#[test]
fn an_image_is_small_and_repeats_itself() -> Result<()> {
    let first = archive()?;
    let size = fs::metadata(&first)?.len();
    // A fifth of it are players, with their code for amd64.
    ensure!(size <= 30_000_000, "{size} bytes");
    let manifest = repository("spin.toml");
    let second = pack(&manifest, "app-again", crate::IMAGE, &[])?;
    ensure!(fs::read(&first)? == fs::read(&second)?, "two images of one app differ");
    Ok(())
}

#[test]
fn an_update_of_one_component_carries_little_and_runs() -> Result<()> {
    with_image(|containerd| {
        let first = archive()?;
        let app = changed_app("hedgeschool_progress.wasm")?;
        let manifest = app.path().join("spin.toml");
        let earlier = first.parent().context("an archive is in a folder")?.display().to_string();
        let reference = "localhost/hedge-test:2";
        let update = pack(&manifest, "app-update", reference, &["--update-of", &earlier])?;
        let [all, carried] = [&first, &update].map(|file| fs::metadata(file).map(|it| it.len()));
        let (all, carried) = (all?, carried?);
        ensure!(carried * 10 < all, "{carried} of {all} bytes");
        containerd.import(&update)?;
        let mut served = containerd.container(reference, "updated").serve()?;
        statement::post(&served.xapi(), &statement::new_id())?;
        served.end(containerd)?;
        let log = served.attached.log();
        ensure!(log.contains("compiled progress") && !log.contains("compiled portal"), "{log}");
        Ok(())
    })
}

#[test]
fn the_layout_says_what_the_image_is_called() -> Result<()> {
    let index = fs::read(archive()?.with_file_name("oci").join("index.json"))?;
    let index: Value = serde_json::from_slice(&index)?;
    let name = &index["manifests"][0]["annotations"]["io.containerd.image.name"];
    assert_eq!(name, crate::IMAGE);
    Ok(())
}
