//! The `hedge` command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request makes some hundred allocations: 4 to 12 % of a post's processor time went with glibc's allocator
/// (docs/benchmarks.md, "What a request costs"). How this one is kept from taking more memory is in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    hedge::cli::run()
}
