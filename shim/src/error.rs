//! What can go wrong in the shim. It becomes a status of ttrpc once, in one place.

use std::path::{Path, PathBuf};

use containerd_shim_protos::ttrpc::{self, Code, get_status};

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such container or process, or no longer.
    #[error("{0}")]
    NotFound(String),
    /// It is there, but not in a state in which this can be done.
    #[error("{0}")]
    Precondition(String),
    /// What containerd or the image asks for cannot be.
    #[error("{0}")]
    Invalid(String),
    /// The OCI runtime below refused.
    #[error("{program} {command}: {message}")]
    Runtime {
        /// Its program, e.g. `runc`.
        program: String,
        /// What it was to do.
        command: String,
        /// What it said.
        message: String,
    },
    /// The system refused something about a file.
    #[error("{doing} {path}: {source}", path = .path.display())]
    File {
        /// What was tried, e.g. `opening`.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A message that is not what it should be.
    #[error("a message of containerd cannot be read: {0}")]
    Message(#[from] containerd_shim_protos::protobuf::Error),
    /// JSON that is not what it should be.
    #[error("{what}: {source}")]
    Json {
        /// Which text.
        what: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// What the shim's functions answer.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// For `map_err` where a file is worked with.
    pub fn file<E: Into<std::io::Error>>(doing: &'static str, path: &Path) -> impl Fn(E) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path: path.clone(), source: source.into() }
    }

    /// For `map_err` where JSON is read or written.
    pub fn json(what: &'static str) -> impl Fn(serde_json::Error) -> Self {
        move |source| Self::Json { what, source }
    }

    fn status_code(&self) -> Code {
        match self {
            Self::NotFound(_) => Code::NOT_FOUND,
            Self::Precondition(_) => Code::FAILED_PRECONDITION,
            Self::Invalid(_) | Self::Message(_) | Self::Json { .. } => Code::INVALID_ARGUMENT,
            Self::Runtime { .. } | Self::File { .. } => Code::UNKNOWN,
        }
    }
}

impl From<Error> for ttrpc::Error {
    fn from(error: Error) -> Self {
        Self::RpcStatus(get_status(error.status_code(), error.to_string()))
    }
}
