//! `flink-admission render`: the manifests as they would be stored.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::review::{Object, Reviewed, Selection, Stored, review};
use super::{Status, Streams, written};
use crate::policy::Level;
use crate::report;
use crate::yaml;

/// Print manifests as they would be stored if they were created
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Form of the manifests
    #[arg(long, short, value_enum, default_value_t)]
    output: Form,
    /// Print only what would be changed, as a unified diff
    #[arg(long, conflicts_with = "output")]
    diff: bool,
}

/// The form of the manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Form {
    /// YAML documents
    #[default]
    Text,
    /// One JSON `List`
    Json,
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
    let reviewed = review(&arguments.selection, Stored::Completed, streams)?;
    reviewed.tell(streams.errors, false);
    let printed = match (arguments.diff, arguments.output) {
        (true, _) => report::diff::write(&reviewed, streams.output),
        (false, Form::Text) => documents(&reviewed, streams.output),
        (false, Form::Json) => list(&reviewed, streams.output),
    };
    let assumed = reviewed.objects.iter().filter(|object| object.is_filled_in_for_unnamed()).count();
    if assumed > 0 && arguments.selection.namespace.is_none() {
        let told = writeln!(
            streams.errors,
            "warning: {} without a namespace; what was filled in is for `default`, unless `--namespace` names another",
            report::count(assumed, "object")
        );
        written(told, Status::Passed)?;
    }
    for object in reviewed.objects.iter().filter(|object| object.verdict() == Some(Level::Deny)) {
        let rules: BTreeSet<&str> = object
            .findings()
            .iter()
            .filter(|finding| finding.level == Level::Deny)
            .map(|finding| finding.rule)
            .collect();
        let rules: Vec<&str> = rules.into_iter().collect();
        let told = writeln!(
            streams.errors,
            "denied: {} ({}); `check` says why",
            report::plain(&object.title()),
            rules.join(", ")
        );
        written(told, Status::Denied)?;
    }
    written(printed, reviewed.status())
}

fn documents(reviewed: &Reviewed, output: &mut dyn Write) -> io::Result<()> {
    for (position, object) in reviewed.objects.iter().enumerate() {
        if position > 0 {
            output.write_all(b"---\n")?;
        }
        output.write_all(yaml::to_text(object.stored()).as_bytes())?;
    }
    Ok(())
}

fn list(reviewed: &Reviewed, output: &mut dyn Write) -> io::Result<()> {
    let items: Vec<&Value> = reviewed.objects.iter().map(Object::stored).collect();
    serde_json::to_writer_pretty(&mut *output, &json!({"apiVersion": "v1", "kind": "List", "items": items}))?;
    output.write_all(b"\n")
}
