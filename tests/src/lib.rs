//! Whole nodes over real sockets: what the tests and the benchmarks start, talk to and break.
//!
//! * [`Node`]: a node as a process of its own, in a state folder of its own.
//! * [`Client`]: HTTP to a node.
//! * [`Events`]: server-sent events of a node.
//! * [`Browser`]: a real browser, on a phone's or a desktop's [`Screen`].
//! * [`Link`]: the network between two nodes, which can be cut, slow, late and out of order.
//! * [`Relay`]: the same, which reads messages and may change them.
//! * [`Redis`]: a Redis server, which can be stopped.
//! * [`cluster`]: a Kubernetes on this machine, with this repository's shim below it.
//! * [`containerd`]: a containerd with this repository's shim, and containers in it.
//! * [`prometheus`]: a Prometheus 3, and a vmagent, each with the arguments of our manifests.
//! * [`Disk`]: the disk under a node, which can lose power.
//! * [`Machine`]: the machine under a node, whose disk can be full and whose clock can jump.
//! * [`Doctor`]: `hedge doctor`, about to look at a node.
//! * [`scraper`]: what Prometheus asks a node.
//! * [`storm`], [`audit`]: recording until the node is killed, and whether everything is there
//!   afterwards.
//! * [`statement`], [`course`], [`upload`], [`hostile`]: what is sent.
//!
//! The host is `target/host/hedge up` unless `HEDGE_TEST_HOST` holds another command line, such as
//! `spin up --quiet`.

pub mod audit;
mod browser;
pub mod cluster;
pub mod collector;
pub mod containerd;
pub mod course;
mod disk;
pub mod doctor;
mod events;
pub mod hostile;
mod http;
mod link;
mod log;
mod node;
mod port;
mod process;
pub mod prometheus;
pub mod python;
mod redis;
mod relay;
pub mod scraper;
pub mod statement;
pub mod storm;
mod threads;
mod ticker;
pub mod upload;
mod wait;
mod wasmtime;

pub use self::redis::Redis;
pub use browser::{Browser, Screen};
pub use disk::{Disk, Machine, slow_disk};
pub use doctor::Doctor;
pub use events::{Event, Events};
pub use http::{Client, Response, address};
pub use link::Link;
pub use node::{Builder, Node};
pub use port::free as free_port;
pub use relay::{Exchange, Message, Relay};
pub use threads::in_parallel;
pub use wait::eventually;
pub use wasmtime::wasmtime;

use std::env;
use std::path::{Path, PathBuf};

/// The manifests of this repository's apps.
pub const MANIFESTS: [&str; 5] = [
    "spin.toml",
    "examples/key-desk/spin.toml",
    "examples/page-shelf/spin.toml",
    "examples/report-card/spin.toml",
    "examples/statement-counter/spin.toml",
];

/// A file or folder of this repository.
pub fn repository(path: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).join(path)
}

/// Whether the tests run on this repository's host.
pub fn is_own_host() -> bool {
    env::var_os("HEDGE_TEST_HOST").is_none_or(|host| host.is_empty())
}
