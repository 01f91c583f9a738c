//! What the WIT says, as Rust.

wit_bindgen::generate!({
    path: "../../wit/identity",
    world: "store",
    with: { "hedgeschool:journal/types@0.1.0": hedgeschool_journal::types },
});

pub use exports::hedgeschool::identity::types;

/// The component.
pub struct Store;
