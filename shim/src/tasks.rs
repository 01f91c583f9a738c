//! What containerd asks the daemon of a pod (runtime v2, the task API).

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};

use async_trait::async_trait;
use containerd_shim_protos::api::{
    CloseIORequest, ConnectRequest, ConnectResponse, CreateTaskRequest, CreateTaskResponse,
    DeleteRequest, DeleteResponse, Empty, ExecProcessRequest, KillRequest, PauseRequest,
    PidsRequest, PidsResponse, ProcessInfo, ResizePtyRequest, ResumeRequest, ShutdownRequest,
    StartRequest, StartResponse, StateRequest, StateResponse, StatsRequest, StatsResponse,
    UpdateTaskRequest, WaitRequest, WaitResponse,
};
use containerd_shim_protos::events::task;
use containerd_shim_protos::protobuf::well_known_types::any::Any;
use containerd_shim_protos::protobuf::{Message, MessageField};
use containerd_shim_protos::shim_async::Task;
use containerd_shim_protos::ttrpc::Result as Reply;
use containerd_shim_protos::ttrpc::r#async::TtrpcContext;
use tokio::sync::{Mutex, Notify};

use crate::container::{Container, Made};
use crate::error::{Error, Result};
use crate::events::Events;
use crate::exits::{Exit, Exits};
use crate::stdio::Paths;
use crate::times;

/// What the message of metrics is called; see [`crate::events::Event`].
const METRICS: &str = "io.containerd.cgroups.v1.Metrics";

/// The containers of a pod.
#[derive(Debug, Clone)]
pub struct Tasks {
    namespace: String,
    containers: Arc<SyncMutex<HashMap<String, Arc<Mutex<Container>>>>>,
    exits: Arc<Exits>,
    events: Events,
    socket: PathBuf,
    shutdown: Arc<Notify>,
}

impl Tasks {
    /// None yet. `shutdown` is told when the daemon, which answers on `socket`, is to end.
    pub fn new(namespace: &str, socket: &Path, exits: Arc<Exits>, shutdown: Arc<Notify>) -> Self {
        Self {
            namespace: namespace.to_owned(),
            containers: Arc::default(),
            exits,
            events: Events::begin_forwarding(namespace),
            socket: socket.to_owned(),
            shutdown,
        }
    }

    fn lock_containers(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Mutex<Container>>>> {
        self.containers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find_container(&self, id: &str) -> Result<Arc<Mutex<Container>>> {
        let found = self.lock_containers().get(id).cloned();
        found.ok_or_else(|| Error::NotFound(format!("there is no container {id}")))
    }

    async fn create_container(&self, request: &CreateTaskRequest) -> Result<u32> {
        if self.lock_containers().contains_key(&request.id) {
            return Err(Error::Precondition(format!("there is a container {}", request.id)));
        }
        let created = Container::create(request, &self.namespace, &self.exits).await;
        let (container, made) = created.inspect_err(|error| {
            tracing::error!("container {} is not made: {error}", request.id);
        })?;
        let pid = container.find_process("")?.pid();
        let container = Arc::new(Mutex::new(container));
        self.lock_containers().insert(request.id.clone(), container.clone());
        self.events.queue_event(&task::TaskCreate {
            container_id: request.id.clone(),
            bundle: request.bundle.clone(),
            rootfs: request.rootfs.clone(),
            io: MessageField::some(task::TaskIO {
                stdin: request.stdin.clone(),
                stdout: request.stdout.clone(),
                stderr: request.stderr.clone(),
                terminal: request.terminal,
                ..task::TaskIO::default()
            }),
            pid,
            ..task::TaskCreate::default()
        });
        self.watch_process(container, &request.id, "", made);
        Ok(pid)
    }

    /// Notes and tells the end of a process, once it comes.
    fn watch_process(&self, container: Arc<Mutex<Container>>, id: &str, exec: &str, made: Made) {
        let (pid, since) = made;
        let end = self.exits.await_exit(pid, since);
        let (events, id, exec) = (self.events.clone(), id.to_owned(), exec.to_owned());
        tokio::spawn(async move {
            let Ok(exit) = end.await else { return };
            // Whoever starts the process has the container until that is told.
            let container = container.lock().await;
            let Ok(process) = container.find_process(&exec) else { return };
            if exec.is_empty() && container.cgroup().killed_for_memory() > 0 {
                let container_id = id.clone();
                events.queue_event(&task::TaskOOM { container_id, ..task::TaskOOM::default() });
            }
            process.note_exit(exit);
            events.queue_event(&task::TaskExit {
                id: if exec.is_empty() { id.clone() } else { exec },
                container_id: id,
                pid: process.pid(),
                exit_status: exit.code,
                exited_at: MessageField::some(times::to_timestamp(exit.at)),
                ..task::TaskExit::default()
            });
        });
    }

    async fn start_process(&self, id: &str, exec: &str) -> Result<u32> {
        let shared = self.find_container(id)?;
        let mut container = shared.lock().await;
        if container.find_process("")?.exit().is_some() {
            return Err(Error::Precondition(format!("container {id} has ended")));
        }
        let made = container.start_process(exec).await?;
        let pid = container.find_process(exec)?.pid();
        let (container_id, exec_id) = (id.to_owned(), exec.to_owned());
        match made {
            None => {
                self.events.queue_event(&task::TaskStart {
                    container_id,
                    pid,
                    ..task::TaskStart::default()
                });
            }
            Some(made) => {
                self.events.queue_event(&task::TaskExecStarted {
                    container_id,
                    exec_id,
                    pid,
                    ..task::TaskExecStarted::default()
                });
                self.watch_process(shared.clone(), id, exec, made);
            }
        }
        Ok(pid)
    }

    async fn delete_process(&self, id: &str, exec: &str) -> Result<DeleteResponse> {
        let shared = self.find_container(id)?;
        let (pid, exit, streams) = {
            let mut container = shared.lock().await;
            let process = container.find_process(exec)?;
            let (pid, exit) = (process.pid(), process.exit());
            if exit.is_none() && process.is_started {
                return Err(Error::Precondition("the process still runs".to_owned()));
            }
            (pid, exit, container.delete_process(exec).await?)
        };
        for streams in streams {
            streams.drain_outputs().await;
        }
        if exec.is_empty() {
            self.lock_containers().remove(id);
        }
        let exit = exit.unwrap_or(Exit { code: 0, at: std::time::SystemTime::now() });
        let exited_at = MessageField::some(times::to_timestamp(exit.at));
        self.events.queue_event(&task::TaskDelete {
            container_id: id.to_owned(),
            id: exec.to_owned(),
            pid,
            exit_status: exit.code,
            exited_at: exited_at.clone(),
            ..task::TaskDelete::default()
        });
        let exit_status = exit.code;
        Ok(DeleteResponse { pid, exit_status, exited_at, ..DeleteResponse::default() })
    }

    async fn wait_for_exit(&self, id: &str, exec: &str) -> Result<Exit> {
        let mut end = self.find_container(id)?.lock().await.find_process(exec)?.subscribe_exit();
        let exit = end.wait_for(Option::is_some).await.ok().and_then(|exit| *exit);
        exit.ok_or_else(|| Error::NotFound("the process is deleted".to_owned()))
    }

    async fn describe_process(&self, request: ExecProcessRequest) -> Result<()> {
        let paths = Paths {
            input: request.stdin,
            output: request.stdout,
            error: request.stderr,
            is_terminal: request.terminal,
        };
        let description = request.spec.into_option().unwrap_or_default().value;
        let shared = self.find_container(&request.id)?;
        shared.lock().await.describe_process(&request.exec_id, paths, &description)?;
        self.events.queue_event(&task::TaskExecAdded {
            container_id: request.id,
            exec_id: request.exec_id,
            ..task::TaskExecAdded::default()
        });
        Ok(())
    }

    async fn measure_container(&self, id: &str) -> Result<Any> {
        let metrics = self.find_container(id)?.lock().await.cgroup().read_metrics();
        let value = metrics.write_to_bytes()?;
        let type_url = METRICS.to_owned();
        Ok(Any { type_url, value, ..Any::default() })
    }
}

/// The task API. Checkpoints are refused, as the trait does.
#[async_trait]
impl Task for Tasks {
    async fn state(&self, _: &TtrpcContext, request: StateRequest) -> Reply<StateResponse> {
        let container = self.find_container(&request.id)?;
        let state = container.lock().await.describe_state(&request.exec_id)?;
        Ok(state)
    }

    async fn create(
        &self,
        _: &TtrpcContext,
        request: CreateTaskRequest,
    ) -> Reply<CreateTaskResponse> {
        let pid = self.create_container(&request).await?;
        Ok(CreateTaskResponse { pid, ..CreateTaskResponse::default() })
    }

    async fn start(&self, _: &TtrpcContext, request: StartRequest) -> Reply<StartResponse> {
        let pid = self.start_process(&request.id, &request.exec_id).await?;
        Ok(StartResponse { pid, ..StartResponse::default() })
    }

    async fn delete(&self, _: &TtrpcContext, request: DeleteRequest) -> Reply<DeleteResponse> {
        Ok(self.delete_process(&request.id, &request.exec_id).await?)
    }

    /// containerd 2 asks for these when it is started anew, and gives up a container that it gets
    /// no answer for.
    async fn pids(&self, _: &TtrpcContext, request: PidsRequest) -> Reply<PidsResponse> {
        let container = self.find_container(&request.id)?;
        let pids = container.lock().await.cgroup().process_ids();
        let processes = pids.into_iter().map(|pid| ProcessInfo { pid, ..ProcessInfo::default() });
        Ok(PidsResponse { processes: processes.collect(), ..PidsResponse::default() })
    }

    async fn pause(&self, _: &TtrpcContext, request: PauseRequest) -> Reply<Empty> {
        self.find_container(&request.id)?.lock().await.set_paused(true).await?;
        let container_id = request.id;
        self.events.queue_event(&task::TaskPaused { container_id, ..task::TaskPaused::default() });
        Ok(Empty::default())
    }

    async fn resume(&self, _: &TtrpcContext, request: ResumeRequest) -> Reply<Empty> {
        self.find_container(&request.id)?.lock().await.set_paused(false).await?;
        let container_id = request.id;
        self.events
            .queue_event(&task::TaskResumed { container_id, ..task::TaskResumed::default() });
        Ok(Empty::default())
    }

    async fn kill(&self, _: &TtrpcContext, request: KillRequest) -> Reply<Empty> {
        let container = self.find_container(&request.id)?;
        let container = container.lock().await;
        container.send_signal(&request.exec_id, request.signal, request.all).await?;
        Ok(Empty::default())
    }

    async fn exec(&self, _: &TtrpcContext, request: ExecProcessRequest) -> Reply<Empty> {
        self.describe_process(request).await?;
        Ok(Empty::default())
    }

    async fn resize_pty(&self, _: &TtrpcContext, request: ResizePtyRequest) -> Reply<Empty> {
        let container = self.find_container(&request.id)?;
        container
            .lock()
            .await
            .find_process(&request.exec_id)?
            .resize_terminal(request.width, request.height)?;
        Ok(Empty::default())
    }

    async fn close_io(&self, _: &TtrpcContext, request: CloseIORequest) -> Reply<Empty> {
        if request.stdin {
            let container = self.find_container(&request.id)?;
            container.lock().await.find_process(&request.exec_id)?.close_input();
        }
        Ok(Empty::default())
    }

    async fn update(&self, _: &TtrpcContext, request: UpdateTaskRequest) -> Reply<Empty> {
        let resources = request.resources.into_option().unwrap_or_default().value;
        self.find_container(&request.id)?.lock().await.update_limits(&resources).await?;
        Ok(Empty::default())
    }

    async fn wait(&self, _: &TtrpcContext, request: WaitRequest) -> Reply<WaitResponse> {
        let exit = self.wait_for_exit(&request.id, &request.exec_id).await?;
        Ok(WaitResponse {
            exit_status: exit.code,
            exited_at: MessageField::some(times::to_timestamp(exit.at)),
            ..WaitResponse::default()
        })
    }

    async fn stats(&self, _: &TtrpcContext, request: StatsRequest) -> Reply<StatsResponse> {
        let stats = MessageField::some(self.measure_container(&request.id).await?);
        Ok(StatsResponse { stats, ..StatsResponse::default() })
    }

    async fn connect(&self, _: &TtrpcContext, request: ConnectRequest) -> Reply<ConnectResponse> {
        let task_pid = match self.find_container(&request.id) {
            Ok(container) => container.lock().await.find_process("")?.pid(),
            Err(_) => 0,
        };
        let shim_pid = std::process::id();
        Ok(ConnectResponse { shim_pid, task_pid, ..ConnectResponse::default() })
    }

    async fn shutdown(&self, _: &TtrpcContext, _: ShutdownRequest) -> Reply<Empty> {
        if self.lock_containers().is_empty() {
            // At once: another container of that name is to have a daemon of its own.
            let _ = fs::remove_file(&self.socket);
            self.shutdown.notify_one();
        }
        Ok(Empty::default())
    }
}
