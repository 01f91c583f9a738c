//! A document as an entry has it, and what becomes of one that arrives.

use hedgeschool_journal::{Error, Merged, Versioned, check_version, merged};
use hedgeschool_replication::{Version, VersionVector};
use serde::{Deserialize, Serialize};

use crate::base64_text;
use crate::insertion::Other;

/// The kinds of documents there are.
const KINDS: [&str; 3] = ["state", "activity-profile", "agent-profile"];

/// A document as an entry has it: see the view `entry`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub kind: String,
    pub activity: String,
    pub agent: String,
    pub registration: String,
    pub id: String,
    pub media_type: String,
    pub etag: String,
    pub stamp: i64,
    pub writer: String,
    pub seen: VersionVector,
    /// In base64 on its way. None: it was deleted.
    #[serde(default, with = "base64_text", skip_serializing_if = "Option::is_none")]
    pub content: Option<Vec<u8>>,
}

/// Which document: kind, agent, activity, registration and id.
pub type DocumentKey = [String; 5];

/// A document that is here.
pub struct Stored {
    /// The version of it.
    pub document: Document,
    /// Its stamp and knowledge as columns have them: what tells it from other versions.
    pub mark: String,
}

/// A document as `store_batch` takes it; its content goes beside it.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    document: &'a Document,
    /// The stamp and knowledge of the version that is here.
    here: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<&'a Document>,
    is_made: bool,
}

impl Document {
    /// Reads a document, without its content's meaning.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is none, or a version that nothing could follow.
    pub fn parse(payload: &str) -> Result<Self, Error> {
        let invalid = |error| Error::Invalid(format!("an entry is no document: {error}"));
        let document: Self = serde_json::from_str(payload).map_err(invalid)?;
        check_version(&document.version())?;
        if !KINDS.contains(&document.kind.as_str()) {
            return Err(Error::Invalid(format!("a document is one of {KINDS:?}")));
        }
        Ok(document)
    }

    /// Which document it is a version of.
    pub fn key(&self) -> DocumentKey {
        [&self.kind, &self.agent, &self.activity, &self.registration, &self.id].map(String::clone)
    }

    /// The row that brings it here. None: what is here, if anything, knows of it.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it cannot be written.
    pub fn arrive(self, here: Option<Stored>) -> Result<Option<Other>, Error> {
        let Some(Stored { document, mark }) = here else {
            return self.into_row(None, None, false).map(Some);
        };
        let Some(Merged { stands, lost, is_made }) = merged(&document, &self) else {
            return Ok(None);
        };
        stands.into_row(Some(mark), lost.as_ref(), is_made).map(Some)
    }

    fn into_row(
        mut self,
        here: Option<String>,
        lost: Option<&Self>,
        is_made: bool,
    ) -> Result<Other, Error> {
        let content = self.content.take();
        let body = serde_json::to_string(&Row { document: &self, here, lost, is_made });
        let body = body.map_err(|error| Error::Invalid(error.to_string()))?;
        Ok(Other { kind: "document", body, content })
    }
}

impl Versioned for Document {
    fn version(&self) -> Version {
        Version { stamp: self.stamp, writer: self.writer.clone(), seen: self.seen.clone() }
    }

    fn with_version(self, version: Version) -> Self {
        Self { stamp: version.stamp, writer: version.writer, seen: version.seen, ..self }
    }

    fn says_the_same(&self, other: &Self) -> bool {
        self.content == other.content && self.media_type == other.media_type
    }
}

#[cfg(test)]
#[path = "document_entry_tests.rs"]
mod tests;
