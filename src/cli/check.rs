//! `flink-admission check`: judges manifests as the cluster would.

use std::path::PathBuf;

use super::baseline::{Accepted, Baseline};
use super::review::{Reviewed, Selection, Stored, review, review_as_written};
use super::{Status, Streams, written};
use crate::report;
use crate::report::findings::{Report, Wanted};

/// Judge manifests as the cluster would, the other documents of the input standing in for the cluster
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Form of the report
    #[arg(long, short, value_enum, default_value_t)]
    output: Form,
    /// Judge what is written, as if nothing were filled in: for clusters without the webhook
    #[arg(long)]
    as_written: bool,
    /// Report denials only, and nothing where there are none
    #[arg(long, short)]
    quiet: bool,
    /// Report at most so many findings, the worst first; all of them count
    #[arg(long, value_name = "NUMBER")]
    max_findings: Option<usize>,
    /// Accept the findings that this file knows: only others are reported and count
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write all findings to this file, for `--baseline`, and deny nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["baseline", "output", "quiet", "max_findings"])]
    write_baseline: Option<PathBuf>,
}

/// The form of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Form {
    /// For people, with the lines that the findings speak of
    #[default]
    Text,
    /// For programs
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit's XML, for Jenkins and GitLab
    Junit,
    /// Workflow commands, which GitHub Actions shows at the lines
    Github,
}

pub(super) fn run(arguments: &Arguments, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
    let baseline = arguments.baseline.as_deref().map(Baseline::read).transpose()?;
    let selection = &arguments.selection;
    let reviewed = if arguments.as_written {
        review_as_written(selection, streams)
    } else {
        review(selection, Stored::AsItIs, streams)
    }?;
    reviewed.tell(streams.errors, arguments.quiet);
    if let Some(path) = &arguments.write_baseline {
        return write_baseline(path, &reviewed, streams);
    }
    let accepted = baseline.map_or_else(Accepted::default, |baseline| baseline.accept(&reviewed));
    let wanted = Wanted { quiet: arguments.quiet, most: arguments.max_findings };
    let report = Report::of(&reviewed, wanted, &accepted);
    let output = &mut *streams.output;
    let printed = match arguments.output {
        Form::Text => report::text::write(&report, output),
        Form::Json => report::json::write(&report, output),
        Form::Sarif => report::sarif::write(&report, output),
        Form::Junit => report::junit::write(&report, output),
        Form::Github => report::github::write(&report, output),
    };
    written(printed, report.status())
}

fn write_baseline(path: &std::path::Path, reviewed: &Reviewed, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
    // A baseline of a part would let the rest fail later.
    if !reviewed.problems.is_empty() {
        anyhow::bail!("no baseline was written, since the input could not be read as a whole");
    }
    let baseline = Baseline::of(reviewed);
    baseline.write(path)?;
    let told = writeln!(streams.output, "{} written to {}", report::count(baseline.len(), "finding"), path.display());
    written(told, Status::Passed)
}
