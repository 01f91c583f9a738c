//! The one way components talk SQL.
//!
//! A store declares its [`Database`] once, as a `static`, and calls [`Database::query`] and
//! [`Database::execute`]. The wrapper knows what `spin:sqlite` leaves to its callers:
//!
//! * of each function there are two, one that blocks the instance and one that does not: what
//!   reads blocks, because that costs less and is soon over; what writes waits for the disk, and
//!   others use the instance meanwhile (ADR 13);
//! * of the one that does not block, errors arrive only after the rows: both are always awaited;
//! * only the first statement of a string is run: a second one is refused;
//! * a database that is busy is tried again, with jitter, until a deadline;
//! * the schema is brought up to date before the first statement, one transaction a migration.
//!
//! **A write is one statement.** It is durable when the call returns, on every host, and requests
//! that share an instance cannot come between its parts. What needs several steps goes into a
//! trigger.

mod database;
mod describe;
mod error;
mod migrate;
mod query;
mod retry;
mod row;
mod statement;

pub use spin_sdk::sqlite::Value;

pub use database::{Connections, Database, Slot};
pub use describe::{DESCRIPTION_BYTES, describe};
pub use error::Error;
pub use row::{FromValue, Row};
