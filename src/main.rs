//! The program `flink-admission`.

use std::process::ExitCode;

/// Frees memory to the system after large reviews better than the system's allocator, and is faster on small objects.
#[cfg(feature = "webhook")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    flink_admission::cli::run(std::env::args_os())
}
