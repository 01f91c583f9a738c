//! Builds, runs and tests Hedgeschool.

fn main() {}
