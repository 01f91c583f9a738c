//! What an upload may do next.

/// What becomes of bytes that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appending {
    /// All but so many of the first are stored: those are here already.
    Store {
        /// How many of them are here.
        known: usize,
    },
    /// They are here already, or do not follow what is here: nothing changes.
    Nothing,
    /// They would go past what was announced: so many bytes.
    PastAnnounced(u64),
}

/// What becomes of `count` bytes from `start` on, of an upload of which `length` bytes are here, of
/// `size` that were announced.
pub fn judge_bytes(length: u64, size: Option<u64>, start: u64, count: usize) -> Appending {
    let end = start.saturating_add(count as u64);
    if let Some(size) = size.filter(|size| end > *size) {
        return Appending::PastAnnounced(size);
    }
    let known = length.checked_sub(start).and_then(|known| usize::try_from(known).ok());
    match known.filter(|known| *known < count) {
        Some(known) => Appending::Store { known },
        None => Appending::Nothing,
    }
}

/// What is freed next of an upload that nobody wants any more: one thing a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clearing {
    /// What its import has stored.
    Blobs,
    /// Some of its pieces.
    Pieces,
    /// That there was one.
    Itself,
    /// Nothing: it may be asked yet what came of it.
    Nothing,
}

/// What is freed next. `is_over`: nobody asks any more what came of it.
pub fn next_clearing(has_blobs: bool, has_pieces: bool, is_over: bool) -> Clearing {
    match (has_blobs, has_pieces, is_over) {
        (true, ..) => Clearing::Blobs,
        (_, true, _) => Clearing::Pieces,
        (.., true) => Clearing::Itself,
        _ => Clearing::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_that_follow_are_stored_and_those_that_are_here_are_not() {
        assert_eq!(judge_bytes(0, None, 0, 3), Appending::Store { known: 0 });
        assert_eq!(judge_bytes(3, None, 1, 5), Appending::Store { known: 2 });
        assert_eq!(judge_bytes(3, None, 0, 3), Appending::Nothing);
        assert_eq!(judge_bytes(3, None, 4, 1), Appending::Nothing);
        assert_eq!(judge_bytes(3, None, 3, 0), Appending::Nothing);
    }

    #[test]
    fn no_more_is_taken_than_was_announced() {
        assert_eq!(judge_bytes(3, Some(5), 3, 2), Appending::Store { known: 0 });
        assert_eq!(judge_bytes(3, Some(5), 3, 3), Appending::PastAnnounced(5));
        assert_eq!(judge_bytes(0, None, u64::MAX, 3), Appending::Nothing);
    }

    #[test]
    fn what_an_import_stored_goes_first_and_the_row_last() {
        assert_eq!(next_clearing(true, true, true), Clearing::Blobs);
        assert_eq!(next_clearing(false, true, true), Clearing::Pieces);
        assert_eq!(next_clearing(false, false, true), Clearing::Itself);
        assert_eq!(next_clearing(false, false, false), Clearing::Nothing);
    }

    proptest! {
        /// Whatever is sent again, or out of order, what is here is a beginning of the file.
        #[test]
        fn what_is_here_is_a_beginning_of_the_file(
            file in prop::collection::vec(any::<u8>(), 0..60),
            sent in prop::collection::vec((0usize..60, 1usize..20), 0..60),
        ) {
            let (mut here, size) = (Vec::new(), Some(file.len() as u64));
            for (start, count) in sent {
                let start = start.min(file.len());
                let bytes = &file[start..(start + count).min(file.len())];
                match judge_bytes(here.len() as u64, size, start as u64, bytes.len()) {
                    Appending::Store { known } => here.extend_from_slice(&bytes[known..]),
                    Appending::Nothing => {}
                    Appending::PastAnnounced(_) => prop_assert!(false, "it is in the file"),
                }
                prop_assert!(file.starts_with(&here));
            }
        }
    }
}
