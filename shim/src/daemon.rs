//! The daemon of a pod: it owns the containers' streams and ends, and answers containerd.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process;
use std::sync::Arc;

use anyhow::{Context, Result};
use containerd_shim_protos::shim_async::{Task, create_task};
use containerd_shim_protos::ttrpc::asynchronous::{Server, Service};
use rustix::process::set_child_subreaper;
use tokio::sync::Notify;

use crate::arguments::Arguments;
use crate::exits::Exits;
use crate::log;
use crate::tasks::Tasks;

/// What the task API is called since containerd 2.0, and before: the same messages.
const SERVICES: [&str; 2] = ["containerd.task.v3.Task", "containerd.task.v2.Task"];

/// Answers on the listener that is this process's standard input, until there are no containers
/// and containerd wants no more.
///
/// # Errors
/// When this program was not started by itself, or the system lacks something.
pub fn run(arguments: &Arguments) -> Result<()> {
    log::to_containerd(arguments.debug);
    // What the runtime below makes is handed to this process, and so are its ends.
    set_child_subreaper(Some(rustix::process::getpid())).context("adopting processes")?;
    // One thread is enough to pass messages on, and a box has as many daemons as pods.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve_tasks(arguments))
}

async fn serve_tasks(arguments: &Arguments) -> Result<()> {
    let shutdown = Arc::new(Notify::new());
    let socket = Path::new(arguments.socket.trim_start_matches("unix://"));
    let exits = Exits::watch_children().context("watching over processes")?;
    let tasks: Arc<dyn Task + Send + Sync> =
        Arc::new(Tasks::new(&arguments.namespace, socket, exits, shutdown.clone()));
    let listener = take_listener().context("containerd starts this program, not you")?;
    let mut server = Server::new().add_listener(listener.try_into()?);
    for name in SERVICES {
        let service: Option<Service> = create_task(tasks.clone()).into_values().next();
        let service = service.context("the task API has no service")?;
        server = server.register_service([(name.to_owned(), service)].into());
    }
    server.start().await?;
    tracing::info!("daemon {} answers for {}", process::id(), arguments.id);
    shutdown.notified().await;
    // The answer to that is still to be sent.
    server.shutdown().await?;
    Ok(())
}

fn take_listener() -> Result<UnixListener> {
    let input: OwnedFd = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let listener = UnixListener::from(input);
    listener.local_addr().context("standard input is no socket")?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
