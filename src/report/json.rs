//! The report for programs. Fields may be added; none changes its meaning.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use super::findings::{self, Report};
use super::{link, shown_value, verdict_word};
use crate::cli::input::{PassedOver, Place as Piece, Problem};
use crate::cli::review::Object;
use crate::policy::Level;

/// Writes the report as one JSON object.
///
/// # Errors
/// Those of `output`.
pub fn write(report: &Report<'_>, output: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *output, &CheckReport::of(report))?;
    output.write_all(b"\n")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CheckReport<'a> {
    api_version: &'static str,
    kind: &'static str,
    summary: Summary,
    objects: Vec<Entry<'a>>,
    problems: &'a [Problem],
    warnings: &'a [Problem],
}

/// How many: objects, and among them those of each verdict, which is the worst level of their findings.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    objects: usize,
    flink: usize,
    deny: usize,
    warn: usize,
    audit: usize,
    unreadable: usize,
    /// Findings that are not shown.
    omitted: usize,
    /// Findings that the baseline knows.
    accepted: usize,
    findings: Findings,
    passed_over: PassedOver,
}

/// How many findings of each level are shown.
#[derive(Serialize)]
struct Findings {
    deny: usize,
    warn: usize,
    audit: usize,
}

#[derive(Serialize)]
struct Entry<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    flink: bool,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    /// Why its configuration may hold more than was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<&'a str>,
    findings: Vec<Said<'a>>,
    changes: &'a [String],
    patch: Value,
}

/// Where an object stands and what it is called.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place<'a> {
    file: &'a str,
    document: usize,
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<String>,
    api_version: &'a str,
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Said<'a> {
    rule: &'static str,
    level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    path: &'a str,
    value: Option<&'a str>,
    origin: &'a str,
    message: &'a str,
    fix: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<&'a str>,
    location: Location<'a>,
    see: String,
}

/// The characters of a file, lines and columns from 1.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

impl<'a> CheckReport<'a> {
    fn of(report: &'a Report<'a>) -> Self {
        let reviewed = report.reviewed;
        let findings = || report.entries.iter().flat_map(|entry| &entry.findings);
        let said = |level: Level| findings().filter(|said| said.finding.level == level).count();
        Self {
            api_version: API_VERSION,
            kind: "CheckReport",
            summary: Summary {
                objects: reviewed.objects.len(),
                flink: reviewed.objects.iter().filter(|object| object.workload.is_some()).count(),
                deny: report.count(Level::Deny),
                warn: report.count(Level::Warn),
                audit: report.count(Level::Audit),
                unreadable: reviewed.problems.len(),
                omitted: report.omitted,
                accepted: report.accepted,
                findings: Findings { deny: said(Level::Deny), warn: said(Level::Warn), audit: said(Level::Audit) },
                passed_over: reviewed.passed_over,
            },
            objects: report.entries.iter().map(Entry::of).collect(),
            problems: &reviewed.problems,
            warnings: &reviewed.warnings,
        }
    }
}

impl<'a> Entry<'a> {
    fn of(entry: &'a findings::Entry<'a>) -> Self {
        let object = entry.object;
        let outcome = object.outcome.as_ref();
        Self {
            place: Place::of(object),
            flink: object.workload.is_some(),
            verdict: verdict_word(entry.verdict),
            policy: outcome.map(|outcome| outcome.policy.as_str()),
            unknown: outcome.and_then(|outcome| outcome.unknown.as_deref()),
            findings: entry.findings.iter().map(Said::of).collect(),
            changes: outcome.map_or(&[], |outcome| &outcome.changes),
            patch: outcome
                .and_then(|outcome| serde_json::to_value(&outcome.patch).ok())
                .unwrap_or_else(|| Value::Array(Vec::new())),
        }
    }
}

impl<'a> Place<'a> {
    pub(super) fn of(object: &'a Object) -> Self {
        let source = &object.source;
        let word = |field| source.object.get(field).and_then(Value::as_str).unwrap_or_default();
        Self {
            file: &source.file,
            document: source.document,
            line: source.line,
            item: Some(source.item.to_string()).filter(|item| !item.is_empty()),
            api_version: word("apiVersion"),
            kind: word("kind"),
            namespace: &object.namespace,
            name: &object.name,
        }
    }
}

impl<'a> Said<'a> {
    fn of(said: &'a findings::Said<'a>) -> Self {
        let finding = &said.finding;
        Self {
            rule: finding.rule,
            level: finding.level.word(),
            role: finding.role.map(|role| role.to_string()),
            path: &finding.path,
            value: shown_value(finding),
            origin: &finding.origin,
            message: &finding.message,
            fix: &finding.fix,
            exception: finding.exception.as_deref(),
            location: Location::of(&said.source().file, &said.pointed.place),
            see: link(finding.rule),
        }
    }
}

impl<'a> Location<'a> {
    fn of(file: &'a str, place: &Piece) -> Self {
        let (start, end) = (place.start, place.end);
        Self { file, line: start.line, column: start.column, end_line: end.line, end_column: end.column }
    }
}

/// Version of the reports.
pub(super) const API_VERSION: &str = "flink-admission.io/v1alpha1";
