//! A fleet of nodes in virtual time: what a week without network costs when it ends.
//!
//! Nodes, their lines and the work of those above are models; what nodes send, and when, is
//! decided by the protocol's own state machine (`hedgeschool-replication`). Everything is a
//! function of the seed. `docs/simulation.md` says what is assumed and what came of it.

#![allow(
    clippy::indexing_slicing,
    missing_docs,
    reason = "a model, whose parts are numbered: a wrong number is to stop it"
)]

mod audit;
mod city;
mod journal;
mod link;
pub mod meter;
mod node;
pub mod options;
pub mod plan;
pub mod plot;
mod ranges;
pub mod report;
mod requests;
mod round;
pub mod scenario;
mod serve;
pub mod settings;
pub mod sizes;
pub mod time;
pub mod world;
