//! SQLite for guests: the writes of all instances, coalesced into one durable commit.
//!
//! Wasm instances come and go by the request, and each opens "its" database. Giving each a real
//! connection makes them fight for SQLite's one write lock and pay an fsync per statement. Here a
//! guest's [`Connection`] is only a name:
//!
//! - Statements that write go, first in, first out, to the database's one **writer** thread. It
//!   puts all that wait into one transaction, commits once with one fsync, and answers only then.
//!   A statement that fails fails alone.
//! - Statements that read go to whichever **reader** thread is free. Under WAL they wait for
//!   nobody, and see every write that was answered before.
//! - BEGIN or SAVEPOINT gives the guest the writer's connection to itself until the transaction
//!   ends, in its turn and for a limited time.
//!
//! Threads and connections are started by the first statement that needs them.
//!
//! ```no_run
//! # async fn example() -> Result<(), hedge_sqlite::Error> {
//! use hedge_sqlite::{Database, Value};
//!
//! let database = Database::open("state/content.db".as_ref())?;
//! let guest = database.connect();
//! guest.execute("CREATE TABLE IF NOT EXISTS seen (id INTEGER)".into(), vec![]).await?;
//! guest.execute("INSERT INTO seen VALUES (?)".into(), vec![Value::Integer(7)]).await?;
//! assert_eq!(guest.changes(), 1);
//! # Ok(()) }
//! ```
//!
//! # What is absent
//! No guest can reach another file, change what a connection guarantees, leave anything behind on
//! a connection, or hold the database longer than [`Options`] say.

mod call;
mod checkpoint;
mod connection;
mod copier;
mod database;
mod error;
mod guard;
mod guarded_connection;
mod handle;
pub mod inspect;
mod job;
mod options;
mod pacing;
mod pragma;
pub mod private;
mod queue;
mod reader;
mod route;
mod shared;
pub mod snapshot;
mod stats;
mod tokens;
mod transaction;
mod value;
mod wal;
mod writer;

pub use connection::Connection;
pub use database::Database;
pub use error::Error;
pub use options::Options;
pub use stats::Stats;
pub use value::{Rows, Value};
