//! How nodes replicate: what goes over the wire, and what a node does with each answer, as pure functions.
//!
//! A node pushes its journal to its upstream in order: entries after a cursor, bounded, one batch at a
//! time. The upstream applies a batch and its own record of the cursor in one durable step and answers how
//! far it is. Only that answer moves the node's cursor, so an entry is sent again until it is *applied*;
//! and applying is idempotent, so sending again does no harm.

mod push;
mod wire;

pub use push::{Next, Outcome, Push};
pub use wire::{Applied, Batch, Entry, WireError};

/// Most entries in a batch.
pub const BATCH_ENTRIES_MAX: u32 = 500;
/// Size a batch aims for, in bytes of payload. A single entry may be larger.
pub const BATCH_BYTES: u32 = 1_048_576;
/// Largest batch on the wire, in bytes.
pub const BODY_BYTES_MAX: usize = 4 * 1_048_576;
/// Where an upstream takes batches.
pub const ENTRIES_PATH: &str = "/sync/v1/entries";
