//! Who is asking, and what they may do: passwords, tokens and HTTP credentials as pure functions.
//!
//! Randomness and time are passed in. Nothing here logs or returns a secret it was given.

mod authorization;
mod bootstrap;
mod name;
mod password;
mod scope;
mod signed;
mod token;
mod verdict;

pub use authorization::{Credentials, find_cookie};
pub use bootstrap::{Pair, parse_pair, parse_pairs};
pub use name::{LABEL_CHARACTERS_MAX, NAME_BYTES_MAX, is_label, is_name};
pub use scope::{Scope, UnknownScope};
pub use signed::{FileGrant, Session, SigningKey};
pub use token::{Token, TokenHash, are_equal};
pub use verdict::{Mine, Role, Subject, Verdict};

pub use password::{PASSWORD_CHARACTERS_MIN, PasswordError, hash_password, verify_password};

/// The name of the cookie that carries a signed session.
pub const SESSION_COOKIE: &str = "hedgeschool_session";
