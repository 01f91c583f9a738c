//! Ids for what comes without one.

use hedgeschool_web::random_bytes;
use uuid::Builder;

/// A new UUID, in lower case.
pub fn make_id() -> String {
    Builder::from_random_bytes(random_bytes()).into_uuid().hyphenated().to_string()
}
