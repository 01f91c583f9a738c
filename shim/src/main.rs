//! The program that containerd starts.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// The host's, as in `hedge`.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    containerd_shim_hedge::run()
}
