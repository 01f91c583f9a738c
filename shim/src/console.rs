//! Terminals: the OCI runtime makes one in the container and sends its other side over a socket.

use std::fs;
use std::io::{IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};

use crate::error::{Error, Result};

/// How long the runtime may take to send the terminal, once it says that all is done.
const SENT_MAX: Duration = Duration::from_secs(5);

/// Where the runtime is to send the terminal.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// A socket under a short path: that of a bundle is longer than sockets' may be.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn new(id: &str) -> Result<Self> {
        let name = id.get(..12).unwrap_or(id);
        let path = PathBuf::from(format!("/run/hedge-pty-{}-{name}", std::process::id()));
        let listener = UnixListener::bind(&path).map_err(Error::file("making", &path))?;
        Ok(Self { listener, path })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the terminal.
    ///
    /// # Errors
    /// When the runtime sends no terminal within [`SENT_MAX`], or one that cannot be used.
    pub async fn receive_terminal(self) -> Result<Terminal> {
        let received = tokio::time::timeout(SENT_MAX, async {
            let (stream, _) = self.listener.accept().await?;
            stream.readable().await?;
            receive_master(&stream)
        });
        let late = |_| Error::Precondition("the runtime sent no terminal".to_owned());
        let master = received.await.map_err(late)?;
        Terminal::new(master.map_err(Error::file("receiving", &self.path))?)
            .map_err(Error::file("using", &self.path))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn receive_master(stream: &UnixStream) -> std::io::Result<OwnedFd> {
    let mut text = [0; 4096];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut space = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(&mut text)];
    recvmsg(stream, &mut parts, &mut space, RecvFlags::CMSG_CLOEXEC)?;
    let sent = space.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut files) => files.next(),
        _ => None,
    });
    sent.ok_or_else(|| std::io::Error::other("the runtime sent a text in place of a terminal"))
}

/// Our side of a container's terminal.
#[derive(Debug, Clone)]
pub struct Terminal(Arc<AsyncFd<fs::File>>);

impl Terminal {
    fn new(master: OwnedFd) -> std::io::Result<Self> {
        let flags = rustix::fs::fcntl_getfl(&master)?;
        rustix::fs::fcntl_setfl(&master, flags | rustix::fs::OFlags::NONBLOCK)?;
        // SAFETY: the file is owned by what is registered, and is not taken out of it.
        let registered = unsafe { AsyncFd::register(fs::File::from(master)) };
        Ok(Self(Arc::new(registered.map_err(std::io::Error::from)?)))
    }

    /// Tells the process how large the window is.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn resize_window(&self, columns: u32, rows: u32) -> Result<()> {
        let cells = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
        let size =
            Winsize { ws_row: cells(rows), ws_col: cells(columns), ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(self.0.get_ref().as_fd(), size)
            .map_err(Error::file("resizing", Path::new("the terminal")))
    }
}

impl AsyncRead for Terminal {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        loop {
            let mut ready = ready!(self.0.poll_read_ready(context))?;
            let room = buffer.initialize_unfilled();
            if let Ok(read) = ready.try_io(|terminal| terminal.get_ref().read(room)) {
                return Poll::Ready(read.map(|bytes| buffer.advance(bytes)));
            }
        }
    }
}

impl AsyncWrite for Terminal {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        loop {
            let mut ready = ready!(self.0.poll_write_ready(context))?;
            if let Ok(written) = ready.try_io(|terminal| terminal.get_ref().write(bytes)) {
                return Poll::Ready(written);
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
