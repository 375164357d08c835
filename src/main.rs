//! The program `flink-admission`.

use std::process::ExitCode;

fn main() -> ExitCode {
    flink_admission::cli::run(std::env::args_os())
}
