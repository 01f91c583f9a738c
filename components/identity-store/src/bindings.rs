//! What the WIT says, as Rust.

wit_bindgen::generate!({
    path: "../../wit/identity",
    world: "store",
});

pub use exports::hedgeschool::identity::types;

/// The component.
pub struct Store;
