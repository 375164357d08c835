//! The command line: one file a subcommand.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[cfg(feature = "webhook")]
pub mod serve;

/// Keeps Apache Flink clusters on Kubernetes alive and their state safe.
#[derive(Debug, Parser)]
#[command(name = "flink-admission", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer the admission reviews of an API server.
    #[cfg(feature = "webhook")]
    Serve(serve::Arguments),
}

/// Runs the command line of this process.
///
/// # Errors
/// What the subcommand could not do.
pub fn run() -> anyhow::Result<ExitCode> {
    match Arguments::parse().command {
        #[cfg(feature = "webhook")]
        Command::Serve(arguments) => arguments.run(),
    }
}
