//! The replication protocol: wire format and decisions.
