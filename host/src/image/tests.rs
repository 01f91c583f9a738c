use std::collections::BTreeMap;
use std::io::Read;

use super::*;

/// The smallest component.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";
const MANIFEST: &str = r#"
spin_manifest_version = 2
[application]
name = "school"
version = "1.2"
[[trigger.http]]
route = "/"
component = "a"
[[trigger.http]]
route = "/b"
component = { source = "other/a.wasm" }
[component.a]
source = "one/a.wasm"
sqlite_databases = ["default"]
[component.a.build]
command = "cargo build"
"#;
const DEPENDENCY: &str = r#"
[component.a.dependencies."x:y"]
path = "one/store.wasm"
"#;

struct Made {
    _folder: tempfile::TempDir,
    image: WrittenImage,
    layout: PathBuf,
}

fn make_image(change: impl Fn(&Path)) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("app");
    fs::create_dir_all(app.join("one")).unwrap();
    fs::create_dir_all(app.join("other")).unwrap();
    fs::write(app.join("spin.toml"), MANIFEST).unwrap();
    for file in ["one/a.wasm", "other/a.wasm"] {
        fs::write(app.join(file), EMPTY).unwrap();
    }
    change(&app);
    let output = folder.path().join("output");
    let image = write_image(
        &ImageOptions {
            manifest: &app,
            runtime_config: None,
            architectures: &[Architecture::Amd64],
            reference: None,
            update_of: None,
            for_spin: true,
            output: &output,
        },
        |_| {},
    )
    .unwrap();
    Made { _folder: folder, image, layout: output.join("oci") }
}

fn read_blob(layout: &Path, descriptor: &Value) -> Vec<u8> {
    let hash = descriptor["digest"].as_str().unwrap().replace(':', "/");
    fs::read(layout.join("blobs").join(hash)).unwrap()
}

/// The files that a container of the image has, in the order of its layers.
fn archive_files(layout: &Path) -> BTreeMap<String, Vec<u8>> {
    let document = |descriptor: &Value| -> Value {
        serde_json::from_slice(&read_blob(layout, descriptor)).unwrap()
    };
    let index: Value =
        serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
    let manifest = document(&document(&index["manifests"][0])["manifests"][0]);
    let mut files = BTreeMap::new();
    for layer in manifest["layers"].as_array().unwrap() {
        let packed = read_blob(layout, layer);
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            files.insert(path, content);
        }
    }
    files
}

#[test]
fn an_image_has_what_a_host_needs() {
    let made = make_image(|_| {});
    assert_eq!(made.image.reference, "localhost/school:1.2");
    let files = archive_files(&made.layout);
    for path in ["components/a.wasm", "components/a-2.wasm", ".spin/"] {
        assert!(files.contains_key(path), "{path} of {:?}", files.keys());
    }
    let manifest = String::from_utf8(files["spin.toml"].clone()).unwrap();
    let unpacked = Application::parse(&manifest, Path::new("/")).unwrap();
    let sources: Vec<_> = unpacked.components.values().map(|one| one.source.clone()).collect();
    assert_eq!(sources, [Path::new("/components/a.wasm"), Path::new("/components/a-2.wasm")]);
    assert!(!manifest.contains("cargo build"), "{manifest}");
    assert!(files.keys().any(|path| path.starts_with("compiled/") && path.ends_with(".cwasm")));
}

#[test]
fn the_same_application_is_the_same_image() {
    let (one, other) = (make_image(|_| {}), make_image(|_| {}));
    assert_eq!(one.image.digest, other.image.digest);
    let bytes = |made: &Made| fs::read(&made.image.archive).unwrap();
    assert_eq!(bytes(&one), bytes(&other));
    let changed = make_image(|app| {
        fs::write(app.join("one/a.wasm"), b"\0asm\x0d\0\x01\0\x00\x02\x01x").unwrap();
    });
    assert_ne!(one.image.digest, changed.image.digest);
}

#[test]
fn dependencies_are_packed_too() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = format!("{MANIFEST}{DEPENDENCY}");
    fs::write(folder.path().join("spin.toml"), manifest).unwrap();
    let application = Application::load(folder.path()).unwrap();
    let packed = Packed::from_manifest(folder.path(), &application).unwrap();
    let store = folder.path().join("one/store.wasm");
    assert_eq!(packed.components["components/store.wasm"], store);
    assert!(packed.manifest.contains("components/store.wasm"), "{}", packed.manifest);
}

#[test]
fn spins_layout_has_the_manifest_with_digests_for_paths() {
    let made = make_image(|_| {});
    let layout = made.layout.with_file_name("spin");
    let index = fs::read(layout.join("index.json")).unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    let manifest = read_blob(&layout, &index["manifests"][0]);
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let layers = manifest["layers"].as_array().unwrap();
    let locked = layers.last().unwrap();
    assert_eq!(locked["mediaType"], "application/vnd.fermyon.spin.application.v1+config");
    let locked: Value = serde_json::from_slice(&read_blob(&layout, locked)).unwrap();
    assert_eq!(locked["metadata"]["name"], "school");
    assert_eq!(locked["triggers"][0]["trigger_config"], json!({"component": "a", "route": "/"}));
    let component = &locked["components"][0];
    assert_eq!(component["metadata"]["databases"], json!(["default"]));
    assert_eq!(component["source"]["digest"], layers[0]["digest"]);
    assert_eq!(read_blob(&layout, &layers[0]), EMPTY);
}

#[test]
fn a_program_is_an_image_of_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let module = folder.path().join("check.wasm");
    fs::write(&module, b"\0asm\x01\0\0\0").unwrap();
    let output = folder.path().join("output");
    let image = write_program(&module, None, &output).unwrap();
    assert!(image.reference.starts_with("localhost/check:"), "{}", image.reference);
    assert_eq!(image.archive, output.join("check.tar"));
    let text = fs::read_to_string(output.join("program/index.json")).unwrap();
    assert!(text.contains(&image.digest) && text.contains(&image.reference), "{text}");
    // The same input, the same bytes.
    assert_eq!(write_program(&module, None, &output).unwrap().digest, image.digest);
    fs::write(&module, EMPTY).unwrap();
    let error = write_program(&module, None, &output).unwrap_err();
    assert!(error.to_string().contains("or it is a component"), "{error}");
}
