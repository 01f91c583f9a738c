//! Components: composed, compiled, cached, instantiated.

pub mod cache;
mod client;
pub mod compose;
pub mod denied;
pub mod engine;
mod gate;
pub mod instance;
pub mod outbound;
mod output;
pub mod service;
pub mod shipped;
pub mod source;
