//! One process of a container: its first one, or one that was started in it later.

use std::os::fd::OwnedFd;
use std::time::Instant;

use containerd_shim_protos::api::Status;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::sync::watch;

use crate::console::{Socket, Terminal};
use crate::error::{Error, Result};
use crate::exits::Exit;
use crate::oci::Handles;
use crate::stdio::{Paths, Streams};

/// A process, from when it is asked for until it is deleted.
#[derive(Debug)]
pub struct Process {
    /// Where containerd wants its streams.
    pub paths: Paths,
    /// Its number, once it exists.
    pid: Option<Pid>,
    /// A handle on it; none of one that ended at once.
    handle: Option<OwnedFd>,
    /// Whether it runs its program, rather than waiting to.
    pub is_started: bool,
    streams: Streams,
    terminal: Option<Terminal>,
    exit: watch::Sender<Option<Exit>>,
}

/// A process that is being made: what the runtime has to be given.
pub struct Making {
    streams: Streams,
    socket: Option<Socket>,
    /// When it began.
    pub since: Instant,
}

impl Process {
    /// A process that is not there yet.
    pub fn new(paths: Paths) -> Self {
        Self {
            paths,
            pid: None,
            handle: None,
            is_started: false,
            streams: Streams::default(),
            terminal: None,
            exit: watch::Sender::new(None),
        }
    }

    /// Prepares its streams.
    ///
    /// # Errors
    /// When a stream of containerd's or the terminal's socket cannot be opened.
    pub fn prepare_streams(&self, id: &str) -> Result<(Making, Handles)> {
        let since = Instant::now();
        if self.paths.is_terminal {
            let socket = Socket::new(id)?;
            let console = Some(socket.path().to_owned());
            let making = Making { streams: Streams::default(), socket: Some(socket), since };
            return Ok((making, Handles { console, ..Handles::default() }));
        }
        let (streams, handles) = Streams::connect_all(&self.paths)?;
        let handles = Handles { streams: handles, console: None };
        Ok((Making { streams, socket: None, since }, handles))
    }

    /// Takes over a process that the runtime has made.
    ///
    /// # Errors
    /// When its terminal does not come, or a stream cannot be opened.
    pub async fn take_over(&mut self, making: Making, pid: Pid) -> Result<()> {
        self.pid = Some(pid);
        self.handle = pidfd_open(pid, PidfdFlags::empty()).ok();
        self.streams = making.streams;
        let Some(socket) = making.socket else { return Ok(()) };
        let terminal = socket.receive_terminal().await?;
        if !self.paths.input.is_empty() {
            self.streams.copy_from(&self.paths.input, terminal.clone())?;
        }
        if !self.paths.output.is_empty() {
            self.streams.copy_to(terminal.clone(), &self.paths.output)?;
        }
        self.terminal = Some(terminal);
        Ok(())
    }

    /// Its number; 0 before it exists.
    pub fn pid(&self) -> u32 {
        let pid = self.pid.and_then(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok());
        pid.unwrap_or(0)
    }

    /// How it ended, if it has.
    pub fn exit(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Tells of its end, whenever that is.
    pub fn subscribe_exit(&self) -> watch::Receiver<Option<Exit>> {
        self.exit.subscribe()
    }

    /// Notes its end.
    pub fn note_exit(&self, exit: Exit) {
        self.exit.send_replace(Some(exit));
    }

    /// How it stands; `is_paused` is its container.
    pub fn status(&self, is_paused: bool) -> Status {
        match (self.exit(), self.is_started, is_paused) {
            (Some(_), _, _) => Status::STOPPED,
            (None, false, _) => Status::CREATED,
            (None, true, true) => Status::PAUSED,
            (None, true, false) => Status::RUNNING,
        }
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it has ended, [`Error::Invalid`] for no signal.
    pub fn send_signal(&self, number: u32) -> Result<()> {
        let Some(handle) = self.handle.as_ref().filter(|_| self.exit().is_none()) else {
            // containerd knows this sentence, and takes it for success.
            return Err(Error::NotFound("process already finished".to_owned()));
        };
        let raw = i32::try_from(number).ok();
        // SAFETY: the number comes from containerd; one that the system does not know is refused
        // by the system, as this program does not handle it.
        let signal = raw.filter(|raw| (1..=64).contains(raw));
        let signal = signal.map(|raw| unsafe { Signal::from_raw_unchecked(raw) });
        let signal = signal.ok_or_else(|| Error::Invalid(format!("no signal {number}")))?;
        pidfd_send_signal(handle, signal)
            .map_err(|_| Error::NotFound("process already finished".to_owned()))
    }

    /// Tells its terminal how large its window is.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn resize_terminal(&self, columns: u32, rows: u32) -> Result<()> {
        self.terminal.as_ref().map_or(Ok(()), |terminal| terminal.resize_window(columns, rows))
    }

    /// Lets it see the end of its input.
    pub fn close_input(&self) {
        self.streams.close_input();
    }

    /// Takes its streams, to be finished.
    pub fn take_streams(&mut self) -> Streams {
        self.terminal = None;
        std::mem::take(&mut self.streams)
    }
}
