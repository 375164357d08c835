//! `flink-admission explain`: the configuration that each Flink process works with.

use super::review::{Selection, Stored, answers, review_with};
use super::{Format, Status, Streams, written};
use crate::report::explain::{self, Explained};
use crate::verdict;

/// Print the effective configuration of each role, each value with its origin and what it overrode
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Form of the output
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
    /// Explain the manifests as they would be stored, with what the policy fills in
    #[arg(long)]
    stored: bool,
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
    let (reviewed, policies) = review_with(&arguments.selection, Stored::Completed, streams)?;
    let mut explained = Vec::new();
    for object in &reviewed.objects {
        let Some(workload) = &object.workload else { continue };
        let mut subject = object.subject(workload);
        if arguments.stored {
            subject.object = object.stored();
        }
        let facts = answers(&subject, &policies, &reviewed.facts);
        explained.push(Explained { object, roles: verdict::configurations(&subject, &policies, &facts) });
    }
    let printed = match arguments.output {
        Format::Text => explain::text(&explained, streams.output),
        Format::Json => explain::json(&explained, streams.output),
    };
    let status = if reviewed.problems.is_empty() { Status::Passed } else { Status::Unreadable };
    written(printed, status)
}
