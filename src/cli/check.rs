//! `flink-admission check`: judges manifests as the cluster would.

use super::review::{Selection, Stored, review};
use super::{Format, Status, Streams, written};
use crate::report;

/// Judge manifests as the cluster would, the other documents of the input standing in for the cluster
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Form of the report
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
    let reviewed = review(&arguments.selection, Stored::AsItIs, streams)?;
    let printed = match arguments.output {
        Format::Text => report::text::write(&reviewed, streams.output),
        Format::Json => report::json::write(&reviewed, streams.output),
    };
    written(printed, reviewed.status())
}
