//! When a blob, and a package, that another node has sent is whole.

use crate::journal::File;

/// What a wanted blob has so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialBlob {
    /// Bytes that it has.
    pub size: u64,
    /// How many of its first bytes are here.
    pub have: u64,
}

/// What bytes that came are to a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// They follow what is here, and there are more to come.
    Middle,
    /// They follow what is here, and are the last.
    End,
    /// They do not follow what is here.
    None,
}

/// What `count` bytes from `start` on are to a blob. With the last ones it is whole; its hash then
/// decides whether they are the right ones.
pub fn fit_bytes(blob: PartialBlob, start: u64, count: u64) -> Fit {
    let end = start.saturating_add(count);
    match () {
        () if start != blob.have || end > blob.size => Fit::None,
        () if end < blob.size => Fit::Middle,
        () => Fit::End,
    }
}

/// The files of a package that are joined of others: those that are not one piece.
pub fn joined_files(files: &[File]) -> Vec<&File> {
    let is_one_piece =
        |file: &File| matches!(file.pieces.as_slice(), [(hash, _)] if *hash == file.hash);
    files.iter().filter(|file| !is_one_piece(file)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_fit_where_the_last_ones_ended() {
        let blob = PartialBlob { size: 10, have: 4 };
        assert_eq!(fit_bytes(blob, 4, 5), Fit::Middle);
        assert_eq!(fit_bytes(blob, 4, 6), Fit::End);
        for (start, count) in [(3, 5), (5, 5), (4, 7), (0, 10), (u64::MAX, 1)] {
            assert_eq!(fit_bytes(blob, start, count), Fit::None, "{start} {count}");
        }
        assert_eq!(fit_bytes(PartialBlob { size: 0, have: 0 }, 0, 0), Fit::End);
    }

    #[test]
    fn a_file_is_joined_unless_it_is_its_own_piece() {
        let file = |hash: &str, pieces: &[&str]| File {
            path: String::new(),
            hash: hash.into(),
            media_type: String::new(),
            pieces: pieces.iter().map(|hash| ((*hash).to_owned(), 1)).collect(),
        };
        let files = [file("a", &["a"]), file("b", &["c", "d"]), file("e", &["f"]), file("g", &[])];
        let joined: Vec<_> = joined_files(&files).into_iter().map(|file| &file.hash).collect();
        assert_eq!(joined, ["b", "e", "g"]);
    }

    proptest! {
        /// In whatever pieces, however often and in which order they come: a blob is whole once,
        /// and then its bytes are those that it has.
        #[test]
        fn a_blob_is_whole_when_all_its_bytes_are_here_in_order(
            size in 1u64..40,
            sent in prop::collection::vec((0u64..40, 1u64..20), 0..200),
        ) {
            let mut blob = PartialBlob { size, have: 0 };
            for (start, count) in sent {
                match fit_bytes(blob, start, count) {
                    Fit::Middle => {
                        prop_assert_eq!(start, blob.have);
                        blob.have += count;
                        prop_assert!(blob.have < size);
                    }
                    Fit::End => {
                        prop_assert_eq!((start, start + count), (blob.have, size));
                        break;
                    }
                    Fit::None => {}
                }
            }
        }
    }
}
