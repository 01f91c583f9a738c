//! What must hold of any input, however broken or hostile.
//!
//! Each function takes bytes and panics if the code they reach does, or contradicts itself.
//! `tests/fuzz` has a fuzz target for each; here their seeds, and bytes of all sorts, are replayed
//! with every run of the tests.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is the finding"
)]

mod multipart;
mod query;
mod statement;

pub use multipart::multipart;
pub use query::query;
pub use statement::statement;

use hedgeschool_xapi::Version;

/// The first byte chooses the version, the others are the input.
fn versioned(input: &[u8]) -> Option<(Version, &[u8])> {
    let (first, rest) = input.split_first()?;
    let version = if first % 2 == 0 { Version::V2_0 } else { Version::V1_0 };
    Some((version, rest))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    /// Every seed, and each with a byte cut off, doubled or changed in every place.
    fn replay(name: &str, run: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
        let mut seeds = 0;
        for seed in fs::read_dir(folder).unwrap() {
            let seed = fs::read(seed.unwrap().path()).unwrap();
            run(&seed);
            for place in 0..seed.len() {
                run(&seed[..place]);
                run(&[&seed[..place], &seed[place + 1..]].concat());
                run(&[&seed[..=place], &seed[place..]].concat());
                run(&[&seed[..place], &[seed[place] ^ 0x20], &seed[place + 1..]].concat());
            }
            seeds += 1;
        }
        assert!(seeds > 0, "{name} has no seeds");
    }

    #[test]
    fn statements_of_the_seeds_hold() {
        replay("statement", statement);
    }

    #[test]
    fn multipart_bodies_of_the_seeds_hold() {
        replay("multipart", multipart);
    }

    #[test]
    fn queries_of_the_seeds_hold() {
        replay("query", query);
    }

    proptest! {
        #[test]
        fn any_bytes_hold(bytes: Vec<u8>) {
            statement(&bytes);
            multipart(&bytes);
            query(&bytes);
        }
    }
}
