//! The one way components answer HTTP.
