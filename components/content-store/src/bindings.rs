//! What `wit/content` means in Rust.

#![allow(missing_docs)]

use crate::store::Store;

wit_bindgen::generate!({
    path: "../../wit/content",
    world: "store",
    additional_derives: [serde::Serialize, serde::Deserialize],
});

export!(Store);
