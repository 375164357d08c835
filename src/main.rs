//! The program `flink-admission`.

use std::io::Write as _;
use std::process::ExitCode;

/// Frees memory to the system after large reviews better than the system's allocator, and is faster on small objects.
#[cfg(feature = "webhook")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    flink_admission::cli::run().unwrap_or_else(|error| {
        // Where nobody reads the error there is nobody to tell that either.
        let _ = writeln!(std::io::stderr(), "flink-admission: {error:#}");
        ExitCode::from(2)
    })
}
