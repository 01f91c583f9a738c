//! Inside a container: this program is its first process, and serves the application.
//!
//! What an operator sets in the pod is read as containerd-shim-spin reads it: the address from
//! `SPIN_HTTP_LISTEN_ADDR`, variables from `SPIN_VARIABLE_*` and by their names alone, stores from
//! `/runtime-config.toml`. As `hedge up` has it: `HEDGE_METRICS_LISTEN_ADDR`.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hedge::app::AppOptions;
use hedge::limits::Limits;
use hedge::logs::{self, LogFormat};
use hedge::manifest::Application;
use hedge::runtime_config::{RuntimeConfig, Unnamed};
use hedge::serve::{ContentListen, ListenAddresses};
use hedge::variables::EnvironmentNames;
use rustix::fs::Access;
use rustix::process::{Signal, set_parent_process_death_signal};

/// Where to listen unless the pod says otherwise, as containerd-shim-spin does.
const ADDRESS: &str = "0.0.0.0:80";
/// What says where Prometheus asks, if the pod does.
const METRICS: &str = "HEDGE_METRICS_LISTEN_ADDR";
/// What stands behind the labels of stores, if the image has it or the pod mounts it.
const RUNTIME_CONFIG: &str = "/runtime-config.toml";
/// Where state is unless the pod says otherwise, as containerd-shim-spin has it.
const STATE: &str = "/.spin";
/// What tells SQLite where temporary files go (its documentation, "Temporary Files", 5).
const SQLITE_FOLDER: &str = "SQLITE_TMPDIR";
/// Where Kubernetes reads why a container ended.
const TERMINATION_LOG: &str = "/dev/termination-log";
/// What Kubernetes tells every container.
const IN_KUBERNETES: &str = "KUBERNETES_SERVICE_HOST";
/// kube-proxy follows Services once a second at most. Who was sent to a pod that is no more waits
/// for seconds, as nobody is there who could refuse.
const DEREGISTRATION: Duration = Duration::from_millis(1500);
/// Bytes of it that Kubernetes shows.
const TERMINATION_BYTES_MAX: usize = 4096;

/// Serves the application until the pod is to end.
pub fn run(manifest: Option<OsString>) -> ExitCode {
    match serve_manifest(manifest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = format!("Error: {error:#}");
            eprintln!("{text}");
            tell_kubernetes(&text);
            ExitCode::FAILURE
        }
    }
}

fn serve_manifest(manifest: Option<OsString>) -> Result<()> {
    // The daemon of the pod is the parent. Were it killed, containerd would start the container
    // once more, beside this process and on its volumes.
    set_parent_process_death_signal(Some(Signal::KILL)).context("following the daemon")?;
    let manifest = manifest.context("serve what? It takes a manifest")?;
    let _logs = logs::init(log_format()?, true)?;
    refuse_selection()?;
    let config = Path::new(RUNTIME_CONFIG);
    let options = AppOptions {
        manifest: PathBuf::from(manifest),
        runtime_config: config.exists().then(|| config.to_owned()),
        state_dir: read_variable("HEDGE_STATE_DIR").map(PathBuf::from),
        state_dir_unnamed: Some(PathBuf::from(STATE)),
        cache_dir: read_variable("HEDGE_CACHE_DIR").map(PathBuf::from),
        environment_names: EnvironmentNames::PrefixedOrPlain,
        waits: true,
        limits: read_limits()?,
        ..AppOptions::default()
    };
    let folders = state_folders(&options)?;
    folders.iter().for_each(|folder| warn_of_loss(folder));
    give_room(&folders);
    // A pod's Service and Ingress know one port: a second name is content's (`content_origin`).
    let metrics = read_variable(METRICS).map(|address| address.parse());
    let metrics = metrics.transpose().with_context(|| format!("{METRICS} is no address"))?;
    let addresses =
        ListenAddresses { main: listen_address()?, content: ContentListen::Nowhere, metrics };
    hedge::serve::run(addresses, options)
}

/// The folders in which the application's databases are.
fn state_folders(options: &AppOptions) -> Result<BTreeSet<PathBuf>> {
    let application = Application::load(&options.manifest)?;
    let unnamed = Unnamed::In(Path::new(STATE));
    let file = options.runtime_config.as_deref();
    let config = RuntimeConfig::load(file, options.state_dir.as_deref(), unnamed)?;
    let labels = application.components.values().flat_map(|one| &one.sqlite_databases);
    let files = labels.filter_map(|label| config.sqlite_databases.get(label));
    Ok(files.filter_map(|file| file.parent()).map(Path::to_owned).collect())
}

/// SQLite puts what it sorts into files, and an image need not have a folder for that: it gets
/// one beside a database.
fn give_room(folders: &BTreeSet<PathBuf>) {
    let has_room = || rustix::fs::access("/tmp", Access::WRITE_OK | Access::EXEC_OK).is_ok();
    if let Some(folder) = folders.first()
        && env::var_os(SQLITE_FOLDER).is_none()
        && !has_room()
    {
        // SAFETY: this process has one thread yet.
        unsafe { env::set_var(SQLITE_FOLDER, folder) };
    }
}

fn read_variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn listen_address() -> Result<SocketAddr> {
    let address = read_variable("SPIN_HTTP_LISTEN_ADDR").unwrap_or_else(|| ADDRESS.to_owned());
    let parsed = address.parse();
    parsed.with_context(|| format!("SPIN_HTTP_LISTEN_ADDR={address}: not ADDRESS:PORT"))
}

fn log_format() -> Result<LogFormat> {
    match read_variable("HEDGE_LOG_FORMAT").as_deref() {
        None | Some("text") => Ok(LogFormat::Text),
        Some("json") => Ok(LogFormat::Json),
        Some(other) => bail!("HEDGE_LOG_FORMAT={other}: it is text or json"),
    }
}

/// A SpinApp's limit of memory comes as a number of bytes. One that is no number is refused:
/// without a limit, a container may be killed in the place of a request.
fn read_limits() -> Result<Limits> {
    let mut limits = Limits::default();
    if read_variable(IN_KUBERNETES).is_some() {
        limits.deregistration = DEREGISTRATION;
    }
    if let Some(text) = read_variable("SPIN_MAX_INSTANCE_MEMORY") {
        let bytes: usize = text.trim().parse().with_context(|| {
            format!("SPIN_MAX_INSTANCE_MEMORY={text}: not a whole number of bytes")
        })?;
        ensure!(bytes >= 1 << 20, "SPIN_MAX_INSTANCE_MEMORY={text}: less than 1 MiB of bytes");
        limits.memory_max = bytes;
    }
    Ok(limits)
}

/// A SpinApp may name some of the application's components. All would be served here, and more
/// than was asked for is worse than nothing.
fn refuse_selection() -> Result<()> {
    let name = "SPIN_COMPONENTS_TO_RETAIN";
    match read_variable(name) {
        Some(names) => {
            bail!("{name}={names}: this runtime serves all components of an application")
        }
        None => Ok(()),
    }
}

/// Says so when what is recorded would end with the container.
fn warn_of_loss(folder: &Path) {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
    let existing = folder.ancestors().find(|ancestor| ancestor.exists());
    if existing.and_then(device) == device(Path::new("/")) {
        tracing::warn!(
            "databases are in {}, which is no volume: what they record ends with this container. \
             Mount a volume there, or name one with HEDGE_STATE_DIR",
            folder.display()
        );
    }
}

/// Leaves the reason where `kubectl describe pod` shows it.
fn tell_kubernetes(text: &str) {
    let path = Path::new(TERMINATION_LOG);
    let end = text.floor_char_boundary(TERMINATION_BYTES_MAX);
    if let Ok(mut file) = fs::OpenOptions::new().append(true).open(path) {
        let _ = file.write_all(text.get(..end).unwrap_or_default().as_bytes());
    }
}
