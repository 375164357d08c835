//! Log lines on standard error: text where a person looks on, JSON otherwise.
//!
//! Strings of users go into fields, never into the message: both formats escape control characters in fields, so a
//! name with a line feed in it stays one line.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Logs each answer of the API server with a status from 500 on as an error.
const KUBE: &str = "kube_client";

/// Starts logging at `info`, or as `RUST_LOG` says; panics become log lines too. A second call changes nothing.
pub fn start() {
    let mut filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    // Who asked the API server tells of its failures itself, once and in words.
    if let (false, Ok(silent)) = (filter.to_string().contains(KUBE), format!("{KUBE}=off").parse()) {
        filter = filter.add_directive(silent);
    }
    // A line that cannot be written is lost; saying so on the same standard error would panic and cost a review.
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    let started = if std::io::stderr().is_terminal() {
        lines.try_init()
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    };
    if started.is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            let message = panic.payload_as_str().unwrap_or("without a word");
            tracing::error!(place, panic = message, "a part of the program panicked");
        }));
    }
}
