//! HTTP: sign-in, people and clients; private verification of credentials.
