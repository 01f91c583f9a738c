//! The one way components use Redis, and do without it.
//!
//! Redis makes a node faster and is never needed: nothing is acknowledged because Redis has it. So
//! every command has a deadline, and one that fails is an answer like any other. After a failure
//! Redis is left alone for a while ([`Breaker`]): one that is down, or slow, costs a request now
//! and then, and not every request.

mod breaker;
mod changed;
mod deadline;
mod failure;
mod redis;
mod value;

pub use breaker::Breaker;
pub use changed::changed;
pub use deadline::within;
pub use failure::Failure;
pub use redis::{COMMAND, LEFT_ALONE, Redis};
pub use spin_sdk::redis::{RedisParameter, RedisResult};
pub use value::{as_number, as_text, text};
