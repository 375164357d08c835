//! `flink-admission rules`: every rule with its levels and its page.

use super::{Status, Streams, written};
use crate::policy::rules::RULES;
use crate::report::rule;

/// List the rules with their levels
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Form of the list: a line a rule, JSON with the pages, or the document docs/rules.md
    #[arg(long, short, value_enum, default_value_t)]
    output: Form,
}

/// The form of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Form {
    #[default]
    Text,
    Json,
    Markdown,
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
    let printed = match arguments.output {
        Form::Text => rule::list(streams.output),
        Form::Json => rule::json(RULES.iter().copied(), streams.output),
        Form::Markdown => rule::document(streams.output),
    };
    written(printed, Status::Passed)
}
