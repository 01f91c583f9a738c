//! Passwords, signed tokens and HTTP credentials, as pure functions.
