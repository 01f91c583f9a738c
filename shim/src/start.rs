//! `start` and `delete`: what containerd runs this program for, with a bundle as its working
//! directory.

use std::env;
use std::fs;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result};
use containerd_shim_protos::api::DeleteResponse;
use containerd_shim_protos::protobuf::{Message, MessageField};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::arguments::Arguments;
use crate::exits::Exits;
use crate::oci::Runtime;
use crate::options::Options;
use crate::{bundle, mounts, times};

/// Where daemons answer, as containerd's documentation has it.
const SOCKETS: &str = "/run/containerd/s";
/// The annotation that says which pod a container is of.
const POD: &str = "/annotations/io.kubernetes.cri.sandbox-id";
/// Where a daemon's address is noted in the bundle: containerd 1.x looks there when it starts.
const ADDRESS: &str = "address";
/// The exit code of a container that ended with its daemon: killed.
const KILLED: u32 = 128 + 9;

/// Makes sure that the pod has a daemon, and prints its address.
///
/// # Errors
/// When the bundle cannot be read, or the daemon not be started.
pub fn ensure_daemon(arguments: &Arguments) -> Result<()> {
    let spec = bundle::read_spec(Path::new("."))?;
    let pod = spec.pointer(POD).and_then(Value::as_str).unwrap_or(&arguments.id);
    let path = socket_path(arguments, pod);
    if UnixStream::connect(&path).is_err() {
        spawn_daemon(arguments, &path).context("starting the pod's daemon")?;
    }
    let address = format!("unix://{}", path.display());
    fs::write(ADDRESS, &address).context("noting the daemon's address")?;
    let mut out = std::io::stdout();
    out.write_all(address.as_bytes())?;
    Ok(out.flush()?)
}

fn socket_path(arguments: &Arguments, pod: &str) -> PathBuf {
    let name = Path::new(&arguments.address).join(&arguments.namespace).join(pod);
    let hash = Sha256::digest(name.as_os_str().as_encoded_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    Path::new(SOCKETS).join(hash)
}

/// Starts the daemon. It gets the listening socket, so that containerd can connect at once.
fn spawn_daemon(arguments: &Arguments, path: &Path) -> Result<()> {
    fs::create_dir_all(SOCKETS)?;
    // A daemon that was killed leaves its socket.
    let _ = fs::remove_file(path);
    let listener = UnixListener::bind(path).with_context(|| format!("{}", path.display()))?;
    let mut daemon = Command::new(env::current_exe()?);
    daemon.args(["-namespace", &arguments.namespace, "-id", &arguments.id]);
    daemon.args(["-address", &arguments.address, "-socket"]).arg(path);
    if arguments.debug {
        daemon.arg("-debug");
    }
    daemon.stdin(OwnedFd::from(listener)).stdout(Stdio::null()).stderr(Stdio::null());
    // containerd may be stopped by a signal to its group.
    daemon.process_group(0).spawn()?;
    Ok(())
}

/// Cleans up after a container whose daemon is gone, and prints how it ended, as a message.
///
/// # Errors
/// When the answer cannot be written.
pub fn clean_up(arguments: &Arguments) -> Result<()> {
    let bundle = env::current_dir()?;
    let options = Options::read_note(&bundle);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let exits: Arc<Exits> = Exits::watch_children()?;
        let below = Runtime::new(&options, &arguments.namespace, &bundle, exits);
        if let Err(error) = below.delete(&arguments.id).await {
            eprintln!("{error}");
        }
        anyhow::Ok(())
    })?;
    mounts::unmount_root(&bundle.join("rootfs"));
    forget_socket(&bundle);
    let response = DeleteResponse {
        exit_status: KILLED,
        exited_at: MessageField::some(times::to_timestamp(SystemTime::now())),
        ..DeleteResponse::default()
    };
    let mut out = std::io::stdout();
    out.write_all(&response.write_to_bytes()?)?;
    Ok(out.flush()?)
}

/// Removes the socket of a daemon that does not answer on it any more.
fn forget_socket(bundle: &Path) {
    let address = fs::read_to_string(bundle.join(ADDRESS)).unwrap_or_default();
    let path = Path::new(address.trim_start_matches("unix://"));
    if path.starts_with(SOCKETS) && UnixStream::connect(path).is_err() {
        let _ = fs::remove_file(path);
    }
}
