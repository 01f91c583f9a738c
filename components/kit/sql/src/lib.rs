//! The one way components talk SQL.
