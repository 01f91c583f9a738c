//! HTTP: from a socket to a component and back.

mod directory;
mod events;
mod forward;
mod gather;
mod leftover;
mod listen;
pub(crate) mod reply;
mod response_cache;
mod stage;

pub use directory::{Directory, Routes};
pub use listen::{Listeners, serve_listeners};
pub use response_cache::{CacheUsage, ResponseCache};
pub use stage::Stage;
