//! What `wit/content` means in Rust.

#![allow(missing_docs)]

use crate::store::Store;

wit_bindgen::generate!({
    path: "../../wit/content",
    world: "store",
    with: { "hedgeschool:journal/types@0.1.0": hedgeschool_journal::types },
    additional_derives: [serde::Serialize, serde::Deserialize],
});

export!(Store);
