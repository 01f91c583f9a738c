//! HTTP: from a socket to a component and back.

mod directory;
mod events;
mod forward;
mod gather;
mod listen;
mod reply;
mod response_cache;
mod stage;

pub use directory::{Directory, Routes};
pub use listen::{Listeners, serve};
pub use response_cache::ResponseCache;
pub use stage::Stage;
