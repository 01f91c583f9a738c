//! Documents that are JSON objects, and how one is merged into another (2.2).

use std::collections::BTreeMap;

use hedgeschool_web::Problem;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::store::types::Document;

/// The properties of an object, each as it was written: numbers that no computer can hold stay
/// whole.
type Properties<'a> = BTreeMap<String, &'a RawValue>;

/// Whether a media type is JSON, whatever its parameters are.
pub fn is_json(media_type: &str) -> bool {
    let name = media_type.split(';').next().unwrap_or_default();
    name.trim().eq_ignore_ascii_case("application/json")
}

/// 400 for what is sent as JSON and is none.
pub fn check(content: &[u8]) -> Result<(), Problem> {
    let is_json = serde_json::from_slice::<IgnoredAny>(content);
    is_json.map(drop).map_err(|error| {
        Problem::bad_request(format!("the document is sent as JSON and is none: {error}"))
    })
}

/// 400 for what cannot be merged.
pub fn check_object(content: &[u8]) -> Result<(), Problem> {
    properties(content, "document posted").map(drop)
}

/// The document with every property of the posted one in the place of its own. Both have to be
/// JSON objects, or it is 400; then nothing may change.
pub fn merge(current: &Document, media_type: &str, posted: &[u8]) -> Result<Vec<u8>, Problem> {
    for (which, media_type) in
        [("document posted", media_type), ("document that is here", &current.media_type)]
    {
        if !is_json(media_type) {
            let rule = "only application/json is merged (xAPI 2.2): PUT replaces the document";
            return Err(Problem::bad_request(format!("the {which} is {media_type}: {rule}")));
        }
    }
    let mut merged = properties(&current.content, "document that is here")?;
    merged.append(&mut properties(posted, "document posted")?);
    serde_json::to_vec(&merged).map_err(Problem::internal)
}

fn properties<'a>(content: &'a [u8], which: &str) -> Result<Properties<'a>, Problem> {
    serde_json::from_slice(content).map_err(|error| {
        Problem::bad_request(format!("the {which} is not a JSON object (xAPI 2.2): {error}"))
    })
}
