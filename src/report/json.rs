//! The report for programs. Fields may be added; none changes its meaning.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use super::{shown_value, verdict_word};
use crate::cli::input::Problem;
use crate::cli::review::{Object, Reviewed};
use crate::policy::{Finding, Level};

/// Writes the report as one JSON object.
///
/// # Errors
/// Those of `output`.
pub fn write(reviewed: &Reviewed, output: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *output, &CheckReport::of(reviewed))?;
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

/// How many: objects, and among them those of each verdict.
#[derive(Serialize)]
struct Summary {
    objects: usize,
    flink: usize,
    deny: usize,
    warn: usize,
    audit: usize,
    unreadable: usize,
}

#[derive(Serialize)]
struct Entry<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    flink: bool,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
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
    item: Option<&'a str>,
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
}

impl<'a> CheckReport<'a> {
    fn of(reviewed: &'a Reviewed) -> Self {
        let count = |level| reviewed.objects.iter().filter(|object| object.verdict() == Some(level)).count();
        Self {
            api_version: API_VERSION,
            kind: "CheckReport",
            summary: Summary {
                objects: reviewed.objects.len(),
                flink: reviewed.objects.iter().filter(|object| object.workload.is_some()).count(),
                deny: count(Level::Deny),
                warn: count(Level::Warn),
                audit: count(Level::Audit),
                unreadable: reviewed.problems.len(),
            },
            objects: reviewed.objects.iter().map(Entry::of).collect(),
            problems: &reviewed.problems,
            warnings: &reviewed.warnings,
        }
    }
}

impl<'a> Entry<'a> {
    fn of(object: &'a Object) -> Self {
        let outcome = object.outcome.as_ref();
        Self {
            place: Place::of(object),
            flink: object.workload.is_some(),
            verdict: verdict_word(object.verdict()),
            policy: outcome.map(|outcome| outcome.policy.as_str()),
            findings: object.findings().iter().map(Said::of).collect(),
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
            item: source.item.as_deref(),
            api_version: word("apiVersion"),
            kind: word("kind"),
            namespace: &object.namespace,
            name: &object.name,
        }
    }
}

impl<'a> Said<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            rule: finding.rule,
            level: finding.level.word(),
            role: finding.role.map(|role| role.to_string()),
            path: &finding.path,
            value: shown_value(finding),
            origin: &finding.origin,
            message: &finding.message,
            fix: &finding.fix,
        }
    }
}

/// Version of the reports.
pub(super) const API_VERSION: &str = "flink-admission.io/v1alpha1";
