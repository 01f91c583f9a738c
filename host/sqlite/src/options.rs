use std::thread::available_parallelism;
use std::time::Duration;

/// The limits of one database. The defaults suit an edge node.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a statement may take from submission to its end, waiting included.
    pub statement_time_max: Duration,
    /// How long a BEGIN waits for its turn before [`Error::Busy`](crate::Error::Busy).
    pub begin_wait_max: Duration,
    /// How long a transaction may sit without a statement before it is rolled back.
    pub transaction_idle_max: Duration,
    /// How long a transaction may hold the write turn in all before it is rolled back.
    pub transaction_time_max: Duration,
    /// Bytes a result may have (each value counts its content and 32 bytes).
    pub result_bytes_max: usize,
    /// Bytes that one statement's text and parameters may have together.
    pub request_bytes_max: usize,
    /// Bytes of statements that may wait for the writer, and as many for the readers; beyond
    /// them callers wait. Each statement counts at least 64 KiB, so this limits their number too.
    pub queue_bytes_max: usize,
    /// Connections that read, each with a thread of its own, started when first needed.
    pub readers: usize,
    /// Added to every commit and checkpoint, to measure as on a disk whose fsync takes that long.
    pub sync_delay: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            statement_time_max: Duration::from_secs(30),
            begin_wait_max: Duration::from_secs(5),
            transaction_idle_max: Duration::from_secs(5),
            transaction_time_max: Duration::from_secs(30),
            result_bytes_max: 64 << 20,
            request_bytes_max: 64 << 20,
            queue_bytes_max: 64 << 20,
            readers: available_parallelism().map_or(2, usize::from).max(2),
            sync_delay: Duration::ZERO,
        }
    }
}

/// Statements of one commit at most: more would make the first one wait for the last.
pub(crate) const BATCH_STATEMENTS_MAX: usize = 256;
/// A commit takes no further statement once it has been running this long.
pub(crate) const BATCH_TIME_MAX: Duration = Duration::from_millis(10);
/// How long SQLite itself waits for a lock that another process holds.
pub(crate) const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);
/// Prepared statements kept by each connection.
pub(crate) const STATEMENTS_CACHED: usize = 128;
/// Pages kept by the connection that writes: what a transaction changes, and the way to it, is to
/// fit, or SQLite writes pages before they are done and reads them again.
pub(crate) const WRITER_CACHE_KIB: i64 = 8 << 10;
/// Longer statements are prepared each time rather than kept: a cache of them would eat memory.
pub(crate) const CACHED_SQL_BYTES_MAX: usize = 64 << 10;
/// The WAL is copied into the database each time it has grown by the pages of so many large
/// commits…
pub(crate) const COPY_COMMITS: i64 = 6;
/// …but by no fewer than these, and no more (16 MiB).
pub(crate) const COPY_PAGES_MIN: i64 = 1000;
pub(crate) const COPY_PAGES_MAX: i64 = 4096;
/// A copy of a long WAL goes on with what was written meanwhile, as long as that becomes less, so
/// often at most…
pub(crate) const COPY_PASSES_MAX: usize = 3;
/// …and is more than so many pages: what is left holds up the writer, when it has the WAL start
/// over.
pub(crate) const COPY_LEFT_PAGES: i64 = 256;
/// Beyond so many pages (8 MiB), and twice what is copied at a time, the WAL is made to start over
/// if no reader is in it for longer than this: pages written once more cost less than new ones…
pub(crate) const WAL_PAGES_LONG: i64 = 2048;
pub(crate) const RESTART_WAIT: Duration = Duration::from_millis(2);
/// …and beyond so many (64 MiB) readers or no readers, for which new ones wait so long at most…
pub(crate) const WAL_PAGES_MAX: i64 = 16_384;
pub(crate) const RESTART_WAIT_MAX: Duration = Duration::from_millis(500);
/// …and if that was not enough, again after so many pages.
pub(crate) const RESTART_PAGES: i64 = 1024;
/// From so long a commit on, it pays to hold the next one back until more has come together…
pub(crate) const COMMIT_TIME_SLOW: Duration = Duration::from_micros(300);
/// …for this part of a commit's time at most.
pub(crate) const PAUSE_SHARE: u32 = 3;
