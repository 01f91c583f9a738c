//! The streams of a process: pipes of its own, copied to and from containerd's FIFOs.
//!
//! The process never holds a FIFO itself: one that leaves a child behind would keep containerd
//! waiting for the end of its output. The daemon holds the other end of each FIFO too, so that a
//! process lives on when containerd is started anew; what it prints meanwhile waits in the FIFO.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::unix::pipe;
use tokio::task::JoinHandle;

use crate::error::{Error, Result};

/// How long output may take to be passed on after its process has ended.
const DRAIN_MAX: Duration = Duration::from_secs(2);

/// Where containerd wants the streams of a process; empty where it wants none.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    /// A FIFO to read from.
    pub input: String,
    /// A FIFO to write to.
    pub output: String,
    /// Another one.
    pub error: String,
    /// Whether the process has a terminal; its output has all then.
    pub is_terminal: bool,
}

/// What copies the streams of a process.
#[derive(Debug, Default)]
pub struct Streams {
    outputs: Vec<JoinHandle<()>>,
    input: Option<JoinHandle<()>>,
    /// The daemon's own writer of the input's FIFO: as long as it is open, containerd's writers
    /// may come and go.
    input_hold: Arc<Mutex<Option<OwnedFd>>>,
}

impl Streams {
    /// Begins to copy, and answers what the process is to have.
    ///
    /// # Errors
    /// When a FIFO cannot be opened.
    pub fn connect_all(paths: &Paths) -> Result<(Self, [Option<OwnedFd>; 3])> {
        let mut streams = Self::default();
        let input = match paths.input.as_str() {
            "" => None,
            path => Some(streams.connect_input(path)?),
        };
        let mut output = |path: &str| match path {
            "" => Ok(None),
            path => streams.connect_output(path).map(Some),
        };
        let (out, error) = (output(&paths.output)?, output(&paths.error)?);
        Ok((streams, [input, out, error]))
    }

    fn connect_input(&mut self, path: &str) -> Result<OwnedFd> {
        let (theirs, ours) = pipe_with(PipeFlags::CLOEXEC).map_err(stream_error(path))?;
        let ours = pipe::Sender::from_owned_fd(ours).map_err(stream_error(path))?;
        self.copy_from(path, ours)?;
        Ok(theirs)
    }

    fn connect_output(&mut self, path: &str) -> Result<OwnedFd> {
        let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC).map_err(stream_error(path))?;
        let ours = pipe::Receiver::from_owned_fd(ours).map_err(stream_error(path))?;
        self.copy_to(ours, path)?;
        Ok(theirs)
    }

    /// Copies from the FIFO at `path`, until [`Streams::close_input`] and the end of what
    /// containerd wrote.
    ///
    /// # Errors
    /// When the FIFO cannot be opened.
    pub fn copy_from(&mut self, path: &str, to: impl AsyncWrite + Send + 'static) -> Result<()> {
        let both = open_fifo(path, OFlags::RDWR)?;
        let from = pipe::OpenOptions::new().open_receiver(path).map_err(stream_error(path))?;
        let hold = open_fifo(path, OFlags::WRONLY)?;
        drop(both);
        *self.input_hold.lock().unwrap_or_else(PoisonError::into_inner) = Some(hold);
        self.input = Some(tokio::spawn(copy_stream(from, to, None)));
        Ok(())
    }

    /// Copies to the FIFO at `path`, until the process and all its children have closed it.
    ///
    /// # Errors
    /// When the FIFO cannot be opened.
    pub fn copy_to(&mut self, from: impl AsyncRead + Send + 'static, path: &str) -> Result<()> {
        let hold = open_fifo(path, OFlags::RDONLY)?;
        let to = pipe::OpenOptions::new().open_sender(path).map_err(stream_error(path))?;
        self.outputs.push(tokio::spawn(copy_stream(from, to, Some(hold))));
        Ok(())
    }

    /// Lets the process see the end of its input, once it has read what was sent.
    pub fn close_input(&self) {
        self.input_hold.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Passes on what is left of an ended process's output, and lets go of the FIFOs.
    pub async fn drain_outputs(mut self) {
        self.close_input();
        let outputs = std::mem::take(&mut self.outputs);
        let drained = async {
            for mut output in outputs {
                if tokio::time::timeout(DRAIN_MAX, &mut output).await.is_err() {
                    output.abort();
                }
            }
        };
        drained.await;
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        for copy in self.outputs.drain(..).chain(self.input.take()) {
            copy.abort();
        }
    }
}

/// Opens a FIFO without waiting for whoever is at its other end.
fn open_fifo(path: &str, mode: OFlags) -> Result<OwnedFd> {
    open(path, mode | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).map_err(stream_error(path))
}

fn stream_error<E: Into<std::io::Error>>(path: &str) -> impl Fn(E) -> Error {
    Error::file("opening the stream", Path::new(path))
}

async fn copy_stream(from: impl AsyncRead, to: impl AsyncWrite, hold: Option<OwnedFd>) {
    let (mut from, mut to) = (std::pin::pin!(from), std::pin::pin!(to));
    // A terminal that hangs up and a pipe without a reader are how a stream ends.
    let _ = tokio::io::copy(&mut from, &mut to).await;
    drop(hold);
}
