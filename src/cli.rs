//! The command line: one file a subcommand.
//!
//! Exit status of all of them: 0 when nothing is denied, 1 when something is, 2 when the input or the usage could not
//! be read.

pub mod baseline;
#[cfg(feature = "webhook")]
pub mod certificates;
pub mod check;
#[cfg(feature = "webhook")]
pub mod doctor;
pub mod explain;
pub mod input;
pub mod locate;
pub mod render;
pub mod review;
pub mod rules;
#[cfg(feature = "webhook")]
pub mod serve;
#[cfg(feature = "webhook")]
pub mod uninstall;

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::object::is_dns_label;

/// Keeps Apache Flink clusters on Kubernetes alive and their state safe
#[derive(Debug, Parser)]
#[command(name = "flink-admission", version, propagate_version = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "webhook")]
    Certificates(certificates::Arguments),
    Check(check::Arguments),
    #[cfg(feature = "webhook")]
    Doctor(doctor::Arguments),
    Explain(explain::Arguments),
    Render(render::Arguments),
    Rules(rules::Arguments),
    /// Answer the admission reviews of an API server
    #[cfg(feature = "webhook")]
    Serve(Box<serve::Arguments>),
    #[cfg(feature = "webhook")]
    Uninstall(uninstall::Arguments),
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Nothing is denied.
    Passed,
    /// Something is denied.
    Denied,
    /// Input or usage could not be read.
    Unreadable,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        match status {
            Status::Passed => Self::SUCCESS,
            Status::Denied => Self::from(1),
            Status::Unreadable => Self::from(2),
        }
    }
}

/// The form of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// What a subcommand reads and writes.
pub struct Streams<'a> {
    /// Standard input.
    pub input: &'a mut dyn io::Read,
    /// Standard output; colours that it cannot show are taken out on the way.
    pub output: &'a mut dyn Write,
    /// Standard error.
    pub errors: &'a mut dyn Write,
}

/// Runs the program with `arguments`, of which the first is its own name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command_line = match CommandLine::try_parse_from(arguments) {
        Ok(command_line) => command_line,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Status::Unreadable.into() } else { ExitCode::SUCCESS };
        }
    };
    #[cfg(feature = "webhook")]
    if let Some(done) = of_cluster(&command_line.command) {
        return done.unwrap_or_else(|error| {
            let _ = writeln!(anstream::stderr(), "error: {error:#}");
            Status::Unreadable.into()
        });
    }
    let mut output = BufWriter::new(anstream::stdout().lock());
    let mut errors = anstream::stderr().lock();
    let mut input = io::stdin().lock();
    let mut streams = Streams { input: &mut input, output: &mut output, errors: &mut errors };
    let done = match command_line.command {
        #[cfg(feature = "webhook")]
        Command::Certificates(arguments) => certificates::run(&arguments, &mut streams),
        Command::Check(arguments) => check::run(&arguments, &mut streams),
        Command::Explain(arguments) => explain::run(&arguments, &mut streams),
        Command::Render(arguments) => render::run(&arguments, &mut streams),
        Command::Rules(arguments) => rules::run(&arguments, &mut streams),
        #[cfg(feature = "webhook")]
        Command::Serve(_) | Command::Doctor(_) | Command::Uninstall(_) => return ExitCode::SUCCESS,
    };
    let done = done.and_then(|status| written(output.flush(), status));
    done.unwrap_or_else(|error| {
        let _ = writeln!(errors, "error: {error:#}");
        Status::Unreadable
    })
    .into()
}

/// Runs what needs a cluster or a network; `None` for the offline commands.
#[cfg(feature = "webhook")]
fn of_cluster(command: &Command) -> Option<anyhow::Result<ExitCode>> {
    match command {
        Command::Serve(arguments) => Some(arguments.run()),
        Command::Doctor(arguments) => Some(arguments.run()),
        Command::Uninstall(arguments) => Some(arguments.run()),
        _ => None,
    }
}

/// `text` as the name of a namespace or a Service.
fn dns_label(text: &str) -> Result<String, String> {
    if is_dns_label(text) {
        Ok(text.to_owned())
    } else {
        Err("such a name has up to 63 lower-case letters, digits and `-`, with no `-` at its ends".to_owned())
    }
}

/// The end of a run whose output was `written`. A reader that went away, as `head` does, is no failure.
fn written(written: io::Result<()>, status: Status) -> anyhow::Result<Status> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(status),
    }
}
