//! The `hedge` command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request makes some hundred allocations, which glibc's allocator takes a tenth of its time for. How this one
/// is kept from taking more memory is in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    hedge::cli::run()
}
