//! What may be done with the record store (xAPI 1.0.3, part 3, 4.2, OAuth authorization scope).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One right. It is written, in JSON too, as the standard writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "&str", try_from = "String")]
pub enum Scope {
    /// Record statements.
    StatementsWrite,
    /// Read the statements that are one's own: see [`crate::Mine`].
    StatementsReadMine,
    /// Read all statements.
    StatementsRead,
    /// Read and write state documents.
    State,
    /// Define what activities and actors are: without it, a statement's definitions stay that
    /// statement's.
    Define,
    /// Read and write activity and agent profile documents.
    Profile,
    /// Read everything: all statements, all documents.
    AllRead,
    /// Everything.
    All,
}

/// A text that is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no xAPI scope {0:?}: the scopes are {known}", known = Scope::list_names())]
pub struct UnknownScope(pub String);

impl Scope {
    /// Every scope there is.
    pub const KNOWN: [Self; 8] = [
        Self::StatementsWrite,
        Self::StatementsReadMine,
        Self::StatementsRead,
        Self::State,
        Self::Define,
        Self::Profile,
        Self::AllRead,
        Self::All,
    ];

    /// What a client may do for which no scope was named (xAPI 1.0.3, part 3, 4.2).
    pub fn client_defaults() -> BTreeSet<Self> {
        BTreeSet::from([Self::StatementsWrite, Self::StatementsReadMine])
    }

    /// The scope as the standard writes it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::StatementsWrite => "statements/write",
            Self::StatementsReadMine => "statements/read/mine",
            Self::StatementsRead => "statements/read",
            Self::State => "state",
            Self::Define => "define",
            Self::Profile => "profile",
            Self::AllRead => "all/read",
            Self::All => "all",
        }
    }

    /// The names of all scopes, for those who wrote another.
    fn list_names() -> String {
        Self::KNOWN.map(Self::text).join(", ")
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.text())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let found = Self::KNOWN.into_iter().find(|scope| scope.text() == text);
        found.ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

impl From<Scope> for &str {
    fn from(scope: Scope) -> Self {
        scope.text()
    }
}

impl TryFrom<String> for Scope {
    type Error = UnknownScope;

    fn try_from(text: String) -> Result<Self, UnknownScope> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_is_read_as_it_is_written() {
        for scope in Scope::KNOWN {
            assert_eq!(scope.to_string().parse(), Ok(scope));
            let json = serde_json::to_string(&scope).unwrap();
            assert_eq!(json, format!("\"{scope}\""));
            assert_eq!(serde_json::from_str::<Scope>(&json).unwrap(), scope);
        }
        let different: BTreeSet<_> = Scope::KNOWN.into_iter().collect();
        assert_eq!(different.len(), Scope::KNOWN.len());
    }

    #[test]
    fn an_unknown_scope_is_refused_with_the_known_ones() {
        for text in ["statements", "All", "all ", "", "statements/read/theirs"] {
            let error = text.parse::<Scope>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
            assert!(Scope::KNOWN.iter().all(|scope| error.contains(scope.text())), "{error}");
        }
        assert!(serde_json::from_str::<Scope>("\"everything\"").is_err());
    }
}
