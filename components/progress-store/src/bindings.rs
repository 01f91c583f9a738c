//! The interfaces of `hedgeschool:progress`, as Rust has them.

#![allow(missing_docs, reason = "generated; the WIT documents it")]

wit_bindgen::generate!({
    path: "../../wit/progress",
    world: "store",
    with: { "hedgeschool:journal/types@0.1.0": hedgeschool_journal::types },
});

pub use exports::hedgeschool::progress::types;

/// The component.
pub struct Store;

export!(Store);
