//! What an upload may do next.

use crate::store::uploads::Upload;

/// Where an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadState<'a> {
    /// Bytes of it are still to come: it has so many of so many.
    Arriving {
        /// Bytes that are here.
        length: u64,
        /// Bytes that it has.
        size: u64,
    },
    /// It may be imported; it may also grow, if its size was not said.
    Whole,
    /// Somebody imports it, and is so far.
    Importing {
        /// Bytes that are done.
        done: u64,
        /// Bytes of work in all.
        total: u64,
    },
    /// It was imported or refused: what came of it, in JSON.
    Settled(&'a str),
}

impl<'a> UploadState<'a> {
    /// Where an upload is.
    pub fn of_upload(upload: &'a Upload) -> Self {
        let length = upload.length;
        match (&upload.outcome, upload.importing, upload.size) {
            (Some(outcome), ..) => Self::Settled(outcome),
            (None, _, Some(size)) if length < size => Self::Arriving { length, size },
            (None, Some((done, total)), _) => Self::Importing { done, total },
            (None, None, _) => Self::Whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn upload(length: u64, size: Option<u64>) -> Upload {
        let (id, name, touched) = Default::default();
        Upload { id, name, size, length, touched, importing: None, outcome: None }
    }

    #[test]
    fn an_upload_arrives_is_imported_and_is_settled() {
        let arriving = upload(3, Some(5));
        let expected = UploadState::Arriving { length: 3, size: 5 };
        assert_eq!(UploadState::of_upload(&arriving), expected);
        assert_eq!(UploadState::of_upload(&upload(5, Some(5))), UploadState::Whole);
        assert_eq!(UploadState::of_upload(&upload(5, None)), UploadState::Whole);
        let importing = Upload { importing: Some((1, 9)), ..upload(5, Some(5)) };
        let expected = UploadState::Importing { done: 1, total: 9 };
        assert_eq!(UploadState::of_upload(&importing), expected);
        let settled = Upload { outcome: Some("{}".into()), ..arriving };
        assert_eq!(UploadState::of_upload(&settled), UploadState::Settled("{}"));
    }

    proptest! {
        #[test]
        fn nothing_is_imported_before_it_is_whole(length: u64, size: u64, is_claimed: bool) {
            let importing = is_claimed.then_some((0, 1));
            let upload = Upload { importing, ..upload(length, Some(size)) };
            let is_arriving =
                matches!(UploadState::of_upload(&upload), UploadState::Arriving { .. });
            prop_assert_eq!(is_arriving, length < size);
        }
    }
}
