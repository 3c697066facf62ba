//! Arguments → command → exit code.

use std::process::ExitCode;

/// A plan is millions of small values that live until its end. With the system's allocator on Linux, half of a large plan's time goes
/// to them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    leasehold::cli::main()
}
