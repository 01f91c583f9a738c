//! A conflict as an entry has it.

use hedgeschool_journal::Error;
use hedgeschool_xapi::Facts;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::document_entry::Document;
use crate::insertion::Other;

/// A conflict as an entry has it: see the view `entry`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conflict {
    about: String,
    version: String,
    subject: String,
    noticed: i64,
    settled: i64,
    lost: Box<RawValue>,
}

impl Conflict {
    /// Reads a conflict.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is none, or is about neither a document nor a statement.
    pub fn parse(payload: &str) -> Result<Self, Error> {
        let invalid = |error| Error::Invalid(format!("an entry is no conflict: {error}"));
        let conflict: Self = serde_json::from_str(payload).map_err(invalid)?;
        let is_about_document = conflict.lost_document().transpose()?.is_some();
        let is_sound = is_about_document || conflict.lost_statement().is_some();
        let rule = "a conflict is about a document or a statement";
        if is_sound { Ok(conflict) } else { Err(Error::Invalid(rule.into())) }
    }

    /// The document that lost, if it is one.
    pub fn lost_document(&self) -> Option<Result<Document, Error>> {
        (self.about == "document").then(|| Document::parse(self.lost.get()))
    }

    /// The id of the statement that lost, if it is one.
    fn lost_statement(&self) -> Option<[u8; 16]> {
        let facts = (self.about == "statement").then(|| Facts::of(self.lost.get()))?;
        facts.map(|facts| facts.id)
    }

    /// The row that brings it here.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it cannot be written.
    pub fn row(&self) -> Result<Other, Error> {
        let body =
            serde_json::to_string(self).map_err(|error| Error::Invalid(error.to_string()))?;
        let content = self.lost_statement().map(|id| id.to_vec());
        Ok(Other { kind: "conflict", body, content })
    }
}
