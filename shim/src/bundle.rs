//! A container's bundle, and what becomes of one that holds a Spin application.
//!
//! An application has no program of its own: its image has a manifest, components and files, and
//! its command names the manifest. Then the shim's own executable is mounted into the container
//! and started there, by the OCI runtime, with the user, limits and mounts that the pod asks for.
//! Everything else in a pod (its pause container, init containers, sidecars) is left alone.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat2};
use serde_json::{Value, json};

use crate::error::{Error, Result};

/// The description of the container, in the bundle.
pub const SPEC: &str = "config.json";
/// Where the host is, inside a container with an application.
pub const HOST: &str = "/.hedge/hedge";
/// What a manifest is called where a command names its folder.
const MANIFEST: &str = "spin.toml";
/// All that a host that listens needs of root's powers: a port below 1024.
const CAPABILITY: &str = "CAP_NET_BIND_SERVICE";

/// What a container is to run.
#[derive(Debug, PartialEq, Eq)]
pub enum Workload {
    /// A program of its image.
    Program,
    /// The host, as the operator's command line: a backup, say.
    Operator,
    /// The application of a manifest, by its path in the container.
    Application(String),
}

/// Reads the description of a bundle's container.
///
/// # Errors
/// When there is none, or it is no JSON.
pub fn read_spec(bundle: &Path) -> Result<Value> {
    let file = bundle.join(SPEC);
    let text = fs::read(&file).map_err(Error::file("reading", &file))?;
    serde_json::from_slice(&text).map_err(Error::json("the container's config.json"))
}

/// Writes the description of a bundle's container.
///
/// # Errors
/// When the file cannot be written.
pub fn write_spec(bundle: &Path, spec: &Value) -> Result<()> {
    let file = bundle.join(SPEC);
    let text = serde_json::to_vec(spec).map_err(Error::json("the container's config.json"))?;
    fs::write(&file, text).map_err(Error::file("writing", &file))
}

/// Where the files of a bundle's container are.
pub fn root_path(bundle: &Path, spec: &Value) -> PathBuf {
    let path = spec.get("root").and_then(|root| root.get("path")).and_then(Value::as_str);
    bundle.join(path.unwrap_or("rootfs"))
}

impl Workload {
    /// What the container of `spec` is to run. Its files are below `root`.
    ///
    /// # Errors
    /// When the command names a folder without a manifest.
    pub fn of_spec(spec: &Value, root: &Path) -> Result<Self> {
        let text = |pointer| spec.pointer(pointer).and_then(Value::as_str);
        let command = text("/process/args/0").unwrap_or_default();
        let command = Path::new(text("/process/cwd").unwrap_or("/")).join(command);
        if command == Path::new(HOST) {
            return Ok(Self::Operator);
        }
        let root = open_root(root)?;
        match kind_of(&root, &command) {
            Some(FileType::RegularFile) if is_manifest(&command) => {
                Ok(Self::Application(command.display().to_string()))
            }
            Some(FileType::Directory) => {
                let manifest = command.join(MANIFEST);
                let is_there = kind_of(&root, &manifest) == Some(FileType::RegularFile);
                is_there
                    .then(|| Self::Application(manifest.display().to_string()))
                    .ok_or_else(|| Error::Invalid(without_manifest(&manifest)))
            }
            _ => Ok(Self::Program),
        }
    }
}

fn without_manifest(manifest: &Path) -> String {
    format!(
        "the image has no {}: the command names a folder, which is how Spin applications are \
         started. An image that `spin registry push` made holds its files where containerd does \
         not unpack them: make one with `hedge image`",
        manifest.display()
    )
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}

fn open_root(root: &Path) -> Result<OwnedFd> {
    rustix::fs::open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(Error::file("opening the container's files at", root))
}

/// What is at a path in the container. An image's links lead nowhere else.
fn kind_of(root: &OwnedFd, path: &Path) -> Option<FileType> {
    let relative = path.strip_prefix("/").unwrap_or(path);
    let relative = if relative.as_os_str().is_empty() { Path::new(".") } else { relative };
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let file = openat2(root, relative, flags, Mode::empty(), ResolveFlags::IN_ROOT).ok()?;
    Some(FileType::from_raw_mode(fstat(file).ok()?.st_mode))
}

/// Mounts the executable `host` where a container of `spec` finds it.
pub fn mount_host(spec: &mut Value, host: &Path) {
    let mount = json!({
        "destination": HOST,
        "type": "bind",
        "source": host.display().to_string(),
        "options": ["bind", "ro", "nosuid", "nodev"],
    });
    match spec.get_mut("mounts").and_then(Value::as_array_mut) {
        Some(mounts) => mounts.push(mount),
        None => set_member(spec, "mounts", json!([mount])),
    }
}

/// Makes `spec` one that runs the application of `manifest` by the executable `host`.
pub fn run_application(spec: &mut Value, manifest: &str, host: &Path) {
    mount_host(spec, host);
    let Some(process) = spec.get_mut("process") else { return };
    set_member(process, "args", json!([HOST, "serve", manifest]));
    set_member(process, "noNewPrivileges", json!(true));
    let bounding = process.pointer("/capabilities/bounding").and_then(Value::as_array);
    let has_power = bounding.is_some_and(|names| names.iter().any(|name| name == CAPABILITY));
    let powers = if has_power { json!([CAPABILITY]) } else { json!([]) };
    // In all sets, ambient too: then a user who is not root has it as well.
    let sets = ["bounding", "effective", "inheritable", "permitted", "ambient"];
    let sets = sets.into_iter().map(|set| (set.to_owned(), powers.clone()));
    let sets = Value::Object(sets.collect());
    set_member(process, "capabilities", sets);
}

fn set_member(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        root
    }

    fn workload(root: &Path, command: &str, cwd: &str) -> Result<Workload> {
        Workload::of_spec(&json!({"process": {"args": [command], "cwd": cwd}}), root)
    }

    #[test]
    fn a_command_that_names_a_manifest_is_an_application() {
        let root = image(&["spin.toml", "app/spin.toml", "app/other.toml", "pause", "etc/x.toml"]);
        let application = |path: &str| Workload::Application(path.to_owned());
        let of = |command: &str| workload(root.path(), command, "/").unwrap();
        assert_eq!(of("/"), application("/spin.toml"));
        assert_eq!(of("/spin.toml"), application("/spin.toml"));
        assert_eq!(of("/app"), application("/app/spin.toml"));
        assert_eq!(of("app/other.toml"), application("/app/other.toml"));
        assert_eq!(of("/pause"), Workload::Program);
        assert_eq!(of("sh"), Workload::Program);
        assert_eq!(of("/none.toml"), Workload::Program);
        assert_eq!(of("/.hedge/hedge"), Workload::Operator);
        let relative = workload(root.path(), "spin.toml", "/app").unwrap();
        assert_eq!(relative, application("/app/spin.toml"));
    }

    #[test]
    fn a_folder_without_a_manifest_says_what_to_do() {
        let root = image(&["other"]);
        let error = workload(root.path(), "/", "/").unwrap_err().to_string();
        assert!(error.contains("/spin.toml") && error.contains("hedge image"), "{error}");
    }

    #[test]
    fn links_of_an_image_stay_inside_it() {
        let outside = image(&["spin.toml"]);
        let root = image(&["real/spin.toml"]);
        std::os::unix::fs::symlink(outside.path(), root.path().join("out")).unwrap();
        std::os::unix::fs::symlink("/real", root.path().join("in")).unwrap();
        assert_eq!(workload(root.path(), "/out", "/").unwrap(), Workload::Program);
        let inside = Workload::Application("/in/spin.toml".to_owned());
        assert_eq!(workload(root.path(), "/in", "/").unwrap(), inside);
    }

    #[test]
    fn an_application_keeps_all_of_its_container_but_powers() {
        let all = json!(["CAP_CHOWN", "CAP_NET_BIND_SERVICE"]);
        let mut spec = json!({
            "process": {
                "args": ["/"], "env": ["A=b"], "user": {"uid": 7},
                "capabilities": {"bounding": all.clone(), "effective": all, "ambient": []},
            },
            "mounts": [{"destination": "/data"}],
            "linux": {"future": 1},
        });
        run_application(&mut spec, "/spin.toml", Path::new("/usr/bin/shim"));
        let process = &spec["process"];
        assert_eq!(process["args"], json!(["/.hedge/hedge", "serve", "/spin.toml"]));
        assert_eq!((&process["env"], &process["user"]), (&json!(["A=b"]), &json!({"uid": 7})));
        for set in ["bounding", "effective", "inheritable", "permitted", "ambient"] {
            assert_eq!(process["capabilities"][set], json!(["CAP_NET_BIND_SERVICE"]), "{set}");
        }
        spec["process"]["capabilities"] = json!({"bounding": ["CAP_CHOWN"]});
        run_application(&mut spec, "/spin.toml", Path::new("/usr/bin/shim"));
        assert_eq!(spec["process"]["capabilities"]["ambient"], json!([]));
        let process = &spec["process"];
        assert_eq!(process["noNewPrivileges"], json!(true));
        assert_eq!(spec["mounts"][0]["destination"], json!("/data"));
        assert_eq!(spec["mounts"][1]["source"], json!("/usr/bin/shim"));
        assert_eq!(spec["linux"]["future"], json!(1));
    }
}
