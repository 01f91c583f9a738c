//! Components: composed, compiled, cached, instantiated.

pub mod cache;
mod client;
pub mod compiled;
pub mod compose;
pub mod denied;
pub mod dispatch;
pub mod engine;
pub mod failure;
mod gate;
pub mod grants;
pub mod instance;
pub mod linker;
pub mod outbound;
mod output;
pub mod service;
pub mod shipped;
pub mod source;
