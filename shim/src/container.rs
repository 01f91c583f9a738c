//! One container and its processes.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use containerd_shim_protos::api::{CreateTaskRequest, StateResponse};
use containerd_shim_protos::protobuf::EnumOrUnknown;
use rustix::process::Pid;

use crate::bundle::{self, Workload};
use crate::cgroup::Cgroup;
use crate::error::{Error, Result};
use crate::exits::Exits;
use crate::oci::{self, Runtime};
use crate::options::Options;
use crate::process::Process;
use crate::stdio::{Paths, Streams};
use crate::{mounts, times};

/// A container.
#[derive(Debug)]
pub struct Container {
    id: String,
    bundle: PathBuf,
    runtime: Runtime,
    cgroup: Cgroup,
    init: Process,
    is_paused: bool,
    others: HashMap<String, Other>,
}

/// A process that containerd has started in a container, or is about to.
#[derive(Debug)]
struct Other {
    process: Process,
    /// The file that describes it.
    description: PathBuf,
}

/// A process that has been made: its number, and a moment before it was.
pub type Made = (Pid, Instant);

impl Container {
    /// Makes the container that is asked for; its process waits to be started.
    ///
    /// # Errors
    /// When its files cannot be mounted, its image is not what its command says, or the runtime
    /// refuses it. Nothing of it is left then.
    pub async fn create(
        request: &CreateTaskRequest,
        namespace: &str,
        exits: &Arc<Exits>,
    ) -> Result<(Self, Made)> {
        let bundle = PathBuf::from(&request.bundle);
        let root = bundle.join("rootfs");
        mounts::mount_root(&request.rootfs, &root)?;
        let created = Self::create_in(request, namespace, exits, bundle).await;
        if created.is_err() {
            mounts::unmount_root(&root);
        }
        created
    }

    async fn create_in(
        request: &CreateTaskRequest,
        namespace: &str,
        exits: &Arc<Exits>,
        bundle: PathBuf,
    ) -> Result<(Self, Made)> {
        let options = prepare_bundle(request, &bundle)?;
        let runtime = Runtime::new(&options, namespace, &bundle, exits.clone());
        let mut init = Process::new(Paths {
            input: request.stdin.clone(),
            output: request.stdout.clone(),
            error: request.stderr.clone(),
            is_terminal: request.terminal,
        });
        let (making, handles) = init.prepare_streams(&request.id)?;
        let since = making.since;
        let made = async {
            let pid = runtime.create(&request.id, handles).await?;
            init.take_over(making, pid).await?;
            Ok(pid)
        };
        let pid = match made.await {
            Ok(pid) => pid,
            Err(error) => {
                // What a failed start left would be in the way of the next one.
                let _ = runtime.delete(&request.id).await;
                return Err(error);
            }
        };
        let (id, cgroup) = (request.id.clone(), Cgroup::of_process(pid));
        let others = HashMap::new();
        let container = Self { id, bundle, runtime, cgroup, init, is_paused: false, others };
        Ok((container, (pid, since)))
    }

    /// Starts the container's own process, or one that was described before.
    ///
    /// # Errors
    /// When there is no such process, its streams cannot be opened, or the runtime refuses it.
    pub async fn start_process(&mut self, exec: &str) -> Result<Option<Made>> {
        if exec.is_empty() {
            self.runtime.start(&self.id).await?;
            self.init.is_started = true;
            return Ok(None);
        }
        let (id, runtime) = (self.id.clone(), &self.runtime);
        let other = self.others.get_mut(exec).ok_or_else(|| no_such_process(exec))?;
        let (making, handles) = other.process.prepare_streams(exec)?;
        let since = making.since;
        let pid = runtime.exec_process(&id, &other.description, handles).await?;
        other.process.take_over(making, pid).await?;
        other.process.is_started = true;
        Ok(Some((pid, since)))
    }

    /// Takes note of a process to be started in the container.
    ///
    /// # Errors
    /// When there is one of this name, or its description cannot be written.
    pub fn describe_process(&mut self, exec: &str, paths: Paths, description: &[u8]) -> Result<()> {
        if self.others.contains_key(exec) {
            return Err(Error::Precondition(format!("there is a process {exec} already")));
        }
        let file = self.bundle.join(format!("exec-{exec}.json"));
        fs::write(&file, description).map_err(Error::file("writing", &file))?;
        let other = Other { process: Process::new(paths), description: file };
        self.others.insert(exec.to_owned(), other);
        Ok(())
    }

    /// One of its processes; the empty name is its own.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such process.
    pub fn find_process(&self, exec: &str) -> Result<&Process> {
        match exec {
            "" => Ok(&self.init),
            exec => self
                .others
                .get(exec)
                .map(|other| &other.process)
                .ok_or_else(|| no_such_process(exec)),
        }
    }

    /// Sends a signal to one of its processes, or to all.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the process is not there or has ended; the runtime may refuse.
    pub async fn send_signal(&self, exec: &str, signal: u32, is_for_all: bool) -> Result<()> {
        if !is_for_all {
            return self.find_process(exec)?.send_signal(signal);
        }
        match self.runtime.kill_all(&self.id, &signal.to_string()).await {
            Err(error) if oci::is_gone(&error) => {
                Err(Error::NotFound("process already finished".to_owned()))
            }
            killed => killed,
        }
    }

    /// Takes away the container, or one of its processes, and answers the streams to be finished.
    ///
    /// # Errors
    /// When there is no such process, or the runtime refuses.
    pub async fn delete_process(&mut self, exec: &str) -> Result<Vec<Streams>> {
        if !exec.is_empty() {
            let other = self.others.remove(exec).ok_or_else(|| no_such_process(exec))?;
            let _ = fs::remove_file(&other.description);
            let mut process = other.process;
            return Ok(vec![process.take_streams()]);
        }
        match self.runtime.delete(&self.id).await {
            Err(error) if !oci::is_gone(&error) => return Err(error),
            _ => mounts::unmount_root(&self.bundle.join("rootfs")),
        }
        let others = self.others.values_mut().map(|other| &mut other.process);
        Ok(others.chain([&mut self.init]).map(Process::take_streams).collect())
    }

    /// Stops its processes where they are, or lets them go on.
    ///
    /// # Errors
    /// When the runtime refuses it.
    pub async fn set_paused(&mut self, is_paused: bool) -> Result<()> {
        match is_paused {
            true => self.runtime.pause(&self.id).await?,
            false => self.runtime.resume(&self.id).await?,
        }
        self.is_paused = is_paused;
        Ok(())
    }

    /// Gives it other limits: `resources` is JSON.
    ///
    /// # Errors
    /// When they cannot be written to a file, or the runtime refuses them.
    pub async fn update_limits(&self, resources: &[u8]) -> Result<()> {
        let file = self.bundle.join("resources.json");
        fs::write(&file, resources).map_err(Error::file("writing", &file))?;
        self.runtime.update(&self.id, &file).await
    }

    /// How one of its processes stands.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such process.
    pub fn describe_state(&self, exec: &str) -> Result<StateResponse> {
        let process = self.find_process(exec)?;
        let (exit, paths) = (process.exit(), process.paths.clone());
        Ok(StateResponse {
            id: self.id.clone(),
            exec_id: exec.to_owned(),
            bundle: self.bundle.display().to_string(),
            pid: process.pid(),
            status: EnumOrUnknown::new(process.status(self.is_paused)),
            stdin: paths.input,
            stdout: paths.output,
            stderr: paths.error,
            terminal: paths.is_terminal,
            exit_status: exit.map_or(0, |exit| exit.code),
            exited_at: exit.map(|exit| times::to_timestamp(exit.at)).into(),
            ..StateResponse::default()
        })
    }

    /// What the system counts of it.
    pub fn cgroup(&self) -> &Cgroup {
        &self.cgroup
    }
}

fn no_such_process(exec: &str) -> Error {
    Error::NotFound(format!("there is no process {exec} in the container"))
}

/// Reads what is to run, and makes it run by this program if it is an application.
fn prepare_bundle(request: &CreateTaskRequest, bundle: &Path) -> Result<Options> {
    let mut spec = bundle::read_spec(bundle)?;
    let options = Options::read(request.options.as_ref(), &spec)?;
    options.write_note(bundle)?;
    let root = bundle::root_path(bundle, &spec);
    let workload = Workload::of_spec(&spec, &root)?;
    if workload != Workload::Program {
        let host = env::current_exe().map_err(Error::file("finding", Path::new("this program")))?;
        match workload {
            Workload::Application(manifest) => {
                bundle::run_application(&mut spec, &manifest, &host);
            }
            Workload::Operator | Workload::Program => bundle::mount_host(&mut spec, &host),
        }
        bundle::write_spec(bundle, &spec)?;
    }
    Ok(options)
}
