//! Store: people, clients and launches.
