//! Changing a document by what it is.

use hedgeschool_web::Problem;

use crate::store::documents;
use crate::store::types::{Document, DocumentScope, Error, Precondition};

/// Largest document, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 4 << 20;
/// How often a change starts anew because others were faster. Each time one of them has been
/// served, so this many may write one document at the same time.
const TRIES_MAX: usize = 64;

/// Changes a document. Reads, changes, and puts if it is still what was read, so that nothing of
/// those who do the same at the same time is lost.
///
/// # Errors
/// What `change` answers; 413 for what it makes too large; 503 if others are faster all the time.
pub async fn change_document(
    scope: &DocumentScope,
    id: &str,
    media_type: &str,
    change: impl Fn(Option<&Document>) -> Result<Vec<u8>, Problem>,
) -> Result<(), Problem> {
    for _ in 0..TRIES_MAX {
        let current = documents::get(scope.clone(), id.to_owned()).await?;
        let changed = change(current.as_ref())?;
        if changed.len() > DOCUMENT_BYTES_MAX {
            let detail = format!("the document would have more than {DOCUMENT_BYTES_MAX} bytes");
            return Err(Problem::too_large(detail));
        }
        let unchanged = still_is(current);
        let (scope, id) = (scope.clone(), id.to_owned());
        match documents::put(scope, id, media_type.to_owned(), changed, unchanged).await {
            Err(Error::Precondition) => {}
            outcome => return outcome.map(drop).map_err(Problem::from),
        }
    }
    Err(Problem::busy())
}

/// Holds while a document is what was read.
fn still_is(read: Option<Document>) -> Precondition {
    match read {
        None => Precondition::Absent,
        Some(read) => Precondition::Matches(vec![read.etag]),
    }
}
