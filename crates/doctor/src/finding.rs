use serde::Serialize;

use crate::Check;

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Somebody is, or soon will be, held up by it: something is to be done.
    Wrong,
    /// Worth knowing; it may get well by itself.
    Warning,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// How bad it is.
    pub severity: Severity,
    /// What is the matter, in a sentence or two.
    pub what: String,
    /// What to do about it.
    pub advice: String,
    /// The cause in the words of the machine, if it has said something.
    pub detail: Option<String>,
    /// Where there is more about it.
    pub see: &'static str,
}

impl Finding {
    /// Something is to be done.
    pub fn wrong(check: Check, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(check, Severity::Wrong, what.into(), advice.into())
    }

    /// Somebody should know.
    pub fn warning(check: Check, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(check, Severity::Warning, what.into(), advice.into())
    }

    fn new(check: Check, severity: Severity, what: String, advice: String) -> Self {
        Self { check, severity, what, advice, detail: None, see: check.see() }
    }

    /// The same, with what the machine has said.
    pub fn with_detail(self, detail: &str) -> Self {
        Self { detail: Some(detail.to_owned()), ..self }
    }

    /// Whether something is to be done.
    pub fn is_wrong(&self) -> bool {
        self.severity == Severity::Wrong
    }
}
