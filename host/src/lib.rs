//! Hedgeschool: an embedded host for Spin applications and the operator command line.
//!
//! The library is the engine, for `hedge up` and for the containerd shim: [`serve`] runs an
//! application until it is told to stop, [`app`] loads it, [`server`] answers for it. The way of a
//! request: [`server`] accepts and routes, [`runtime::service`] lets an instance answer,
//! [`capability`] and [`runtime::outbound`] are what the instance can reach meanwhile.
//!
//! What is deliberately absent: file systems for guests, sockets for guests, background work of
//! the host that a guest did not ask for, except the [`ticker`] and the [`observer`].

pub mod allowed_hosts;
pub mod app;
pub mod backup;
mod byte_lock;
pub mod capability;
pub mod cli;
pub mod client;
pub mod doctor;
pub mod duration;
pub mod image;
pub mod inside;
pub mod limits;
pub mod lock;
pub mod logs;
pub mod manifest;
pub mod metrics;
pub mod observer;
mod paths;
pub mod route;
pub mod runtime;
pub mod runtime_config;
pub mod serve;
pub mod server;
pub mod stores;
pub mod telemetry;
pub mod ticker;
pub mod variables;
pub mod wake;
