//! What a store takes.

use crate::error::Error;

/// Bytes a key may have.
pub const KEY_BYTES_MAX: usize = 2 << 10;
/// Bytes a value may have.
pub const VALUE_BYTES_MAX: usize = 16 << 20;
/// Keys that [`Store::get_keys`](crate::Store::get_keys) returns at most: with more in the store,
/// it fails.
pub const KEYS_MAX: usize = 100_000;

pub(crate) fn check_key(key: &str) -> Result<(), Error> {
    check_bytes("the key", key.len(), KEY_BYTES_MAX)
}

pub(crate) fn check_bytes(what: &'static str, bytes: usize, max: usize) -> Result<(), Error> {
    if bytes <= max { Ok(()) } else { Err(Error::TooLarge { what, max, unit: "bytes" }) }
}

pub(crate) fn check_count(keys: usize) -> Result<(), Error> {
    let (what, max, unit) = ("the list of keys", KEYS_MAX, "keys");
    if keys <= max { Ok(()) } else { Err(Error::TooLarge { what, max, unit }) }
}
