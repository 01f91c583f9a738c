//! How far a backup is.

/// What who waits is told.
pub trait Progress {
    /// A step of the work begins.
    fn begin_step(&self, step: &str);
    /// So many of so many bytes of it are done.
    fn report_bytes(&self, done: u64, all: u64);
}
