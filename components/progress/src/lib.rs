//! HTTP: the learning record store (xAPI).
