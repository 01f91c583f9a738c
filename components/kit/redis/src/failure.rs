/// Why Redis was of no help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It was not asked: it failed a moment ago, for this reason.
    LeftAlone(String),
    /// It could not be reached, or did not answer in time.
    Down(String),
    /// It answered with an error of the kind named: `NOGROUP`, `BUSYGROUP`, …
    Refused(&'static str),
    /// It answered something that the command does not answer.
    Strange(&'static str),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::LeftAlone(reason) | Self::Down(reason) => f.write_str(reason),
            Self::Refused(kind) => write!(f, "it answered {kind}"),
            Self::Strange(command) => write!(f, "it answered {command} with something else"),
        }
    }
}
