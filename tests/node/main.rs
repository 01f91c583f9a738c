//! Tests of whole nodes. One program, so that they run side by side.
//!
//! They need the components, the apps and the host: `cargo xtask test` builds them first.

#![allow(clippy::indexing_slicing, reason = "a test may panic, and what helps it too")]

mod apart;
mod api_clients;
mod backup;
mod broken_content;
mod broken_manifests;
mod clients;
mod configuration;
mod conflicts_page;
mod delivery;
mod doctor;
mod durability;
mod export;
mod faults;
mod grants;
mod hostile_archives;
mod imports;
mod large_course;
mod launch;
mod live;
mod manifest;
mod metrics;
mod mixed;
mod namesakes;
mod node_page;
mod other_app;
mod pages;
mod power_loss;
mod probe;
mod redis;
mod refusals;
mod replication;
mod school;
mod security;
mod statement_browser;
mod storage;
mod traces;
mod tree;
mod upgrade;
mod uploads;
mod week;
mod withdrawal;
mod wrong_machines;
mod xapi;
