//! The editions of the standard.

/// The edition of the standard a request speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 1.0.0 to 1.0.3.
    V1_0,
    /// 2.0 (IEEE 9274.1.1).
    V2_0,
}

impl Version {
    /// Reads the `X-Experience-API-Version` header (part three, 3.3). None: a version not spoken
    /// here.
    ///
    /// `1.0` and every `1.0.x` are 1.0, as the standard demands; `2.0` and every `2.0.x` are 2.0.
    pub fn parse(header: &str) -> Option<Self> {
        let text = header.trim();
        if is_edition(text, "1.0") {
            Some(Self::V1_0)
        } else if is_edition(text, "2.0") {
            Some(Self::V2_0)
        } else {
            None
        }
    }

    /// What the response's header says.
    pub fn header(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0.3",
            Self::V2_0 => "2.0.0",
        }
    }

    /// What a statement without a `version` gets (1.0.3, 2.4.10).
    pub(crate) fn of_statement(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0.0",
            Self::V2_0 => "2.0.0",
        }
    }
}

/// Says whether a version is an edition or a patch of it, by semantic versioning: `1.0`, `1.0.3`.
fn is_edition(version: &str, edition: &str) -> bool {
    match version.strip_prefix(edition) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('.').is_some_and(|patch| {
            !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit())
        }),
        None => false,
    }
}
