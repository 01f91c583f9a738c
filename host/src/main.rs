//! The `hedge` command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request makes some hundred allocations, and this allocator does them faster than glibc's
/// (docs/benchmarks.md, "What a request costs"). How it is kept from taking more memory is in
/// `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    hedge::cli::run()
}
