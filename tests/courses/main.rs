//! Courses and suites that others made, run beside a node. None of them is in this repository:
//! `cargo xtask test --courses` says where they are.

mod lts;
mod packages;
