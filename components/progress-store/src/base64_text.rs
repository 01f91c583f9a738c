//! Bytes as entries have them: in base64.

use std::borrow::Cow;

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text, where it stands if it is written without escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Text<'_> {
    /// The bytes.
    ///
    /// # Errors
    /// The text is no base64.
    pub fn decode(&self) -> Result<Vec<u8>, DecodeError> {
        STANDARD.decode(self.0.as_bytes())
    }
}

/// For `serde`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
    bytes.as_ref().map(|bytes| STANDARD.encode(bytes)).serialize(to)
}

/// For `serde`.
///
/// # Errors
/// What is there is neither null nor base64.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
    let text = Option::<Text>::deserialize(from)?;
    let bytes = text.map(|text| text.decode()).transpose();
    bytes.map_err(|error| D::Error::custom(format_args!("content is no base64: {error}")))
}
