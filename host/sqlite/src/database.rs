use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;

use crate::connection::Connection;
use crate::copier::run_copier;
use crate::error::Error;
use crate::guarded_connection::Storage;
use crate::handle::Handle;
use crate::options::Options;
use crate::private::{create_folder, file_mode};
use crate::reader::run_reader;
use crate::shared::{Shared, Workers};
use crate::stats::Stats;
use crate::writer::run_writer;

/// What a file that SQLite has written begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// One SQLite database, shared by all guests that may use it.
///
/// Cloning is cheap. When the last clone and the last [`Connection`] are dropped, what was sent is
/// still done, in the background; [`Database::close`] waits for that. Open a file only once a
/// process: two `Database`s of one file would hold each other up.
#[derive(Clone)]
pub struct Database {
    handle: Arc<Handle>,
}

impl Database {
    /// Opens a database file with the default [`Options`].
    ///
    /// The file and the folders above it are made if they are missing, for this account alone
    /// ([`crate::private`]). No connection is opened yet, that happens with the first statement:
    /// opening costs some ten microseconds.
    ///
    /// # Errors
    /// [`Error::Open`] if the file cannot be made, read and written, or is no SQLite database.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_with(path, Options::default())
    }

    /// As [`Database::open`], with limits of your own.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn open_with(path: &Path, options: Options) -> Result<Self, Error> {
        let storage = prepare_file(path).map_err(|error| Error::Open {
            path: path.display().to_string(),
            reason: error.to_string(),
        })?;
        Ok(Self::new(Storage::File(storage), options))
    }

    /// A database in memory, gone with its last handle. One connection serves it, so reads wait
    /// for writes.
    ///
    /// # Errors
    /// None at present.
    pub fn open_in_memory() -> Result<Self, Error> {
        Ok(Self::new(Storage::Memory, Options::default()))
    }

    fn new(storage: Storage, options: Options) -> Self {
        let workers = Workers { read: run_reader, write: run_writer, copy: run_copier };
        Self { handle: Arc::new(Handle::new(Shared::new(storage, options, workers))) }
    }

    /// A new guest connection, at no cost.
    pub fn connect(&self) -> Connection {
        Connection::new(Arc::clone(&self.handle))
    }

    /// What the database has done so far.
    pub fn stats(&self) -> Stats {
        let shared = self.handle.shared();
        shared.counters.read_stats(shared.reads.len(), shared.writes.len())
    }

    /// Takes no more statements, finishes those that were sent, copies the WAL into the database
    /// and waits until all of that is done. Statements sent later fail with [`Error::Closed`].
    ///
    /// An open transaction is given its time, as in [`Options`].
    pub async fn close(&self) {
        let shared = Arc::clone(self.handle.shared());
        shared.close();
        let threads = shared.take_threads();
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().map(|thread| thread.join().is_err()).filter(|died| *died).count()
        });
        match joined.await {
            Ok(0) => {}
            died => tracing::error!(?died, "threads of a database died"),
        }
    }
}

/// Makes sure that the file can be used, without opening a connection to it.
fn prepare_file(path: &Path) -> io::Result<PathBuf> {
    // Absolute, for the working directory may change before the first statement, and because
    // SQLite takes a name that starts with "file:" for a URI.
    let path = absolute(path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    create_folder(folder)?;
    // What SQLite keeps beside the file gets the file's mode.
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(file_mode(folder))
        .open(&path)?;
    let mut start = Vec::with_capacity(MAGIC.len());
    file.by_ref().take(MAGIC.len() as u64).read_to_end(&mut start)?;
    if start.is_empty() || start == MAGIC {
        return Ok(path);
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "the file is not an SQLite database"))
}
