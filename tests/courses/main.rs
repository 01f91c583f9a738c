//! Courses and suites that others made, and one that is too large to be kept, run beside a node.
//! None of them is in this repository: `cargo xtask test --courses` says where they are.

#![allow(clippy::indexing_slicing, reason = "a test may panic, and what helps it too")]

mod large;
mod lts;
mod packages;
