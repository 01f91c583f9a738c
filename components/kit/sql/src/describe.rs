//! What a store's file says of itself to whoever looks at it without running it: `hedge doctor`.

/// Bytes of a description: the database's label, the release, and the schema's version.
pub const DESCRIPTION_BYTES: usize = LABEL_BYTES + RELEASE_BYTES + VERSION_BYTES;
const LABEL_BYTES: usize = 24;
const RELEASE_BYTES: usize = 20;
const VERSION_BYTES: usize = 4;

/// The release that this is a part of.
const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// Puts a description of a [`Database`](crate::Database) into the component, as the custom section
/// `hedge-store`.
#[macro_export]
macro_rules! described {
    ($database:ident) => {
        #[cfg(target_arch = "wasm32")]
        #[used]
        #[unsafe(link_section = "hedge-store")]
        static DESCRIPTION: [u8; $crate::DESCRIPTION_BYTES] =
            $crate::describe($database.label, $database.migrations.len());
    };
}

/// The label and the release, each padded with zeros, and the schema's version, little-endian. What
/// is too long is cut.
pub const fn describe(label: &str, version: usize) -> [u8; DESCRIPTION_BYTES] {
    let mut bytes = [0; DESCRIPTION_BYTES];
    write_padded(&mut bytes, 0, label.as_bytes(), LABEL_BYTES);
    write_padded(&mut bytes, LABEL_BYTES, RELEASE.as_bytes(), RELEASE_BYTES);
    write_padded(
        &mut bytes,
        LABEL_BYTES + RELEASE_BYTES,
        &(version as u32).to_le_bytes(),
        VERSION_BYTES,
    );
    bytes
}

#[allow(clippy::indexing_slicing, reason = "run by the compiler, which tells what is beyond")]
const fn write_padded(bytes: &mut [u8], at: usize, from: &[u8], most: usize) {
    let mut index = 0;
    while index < from.len() && index < most {
        bytes[at + index] = from[index];
        index += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_its_parts_at_fixed_places() {
        let bytes = describe("progress", 4);
        assert!(bytes.starts_with(b"progress\0"));
        assert!(bytes[LABEL_BYTES..].starts_with(RELEASE.as_bytes()));
        assert_eq!(bytes[LABEL_BYTES + RELEASE_BYTES..], [4, 0, 0, 0]);
    }
}
