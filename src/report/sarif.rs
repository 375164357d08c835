//! The report as SARIF 2.1.0, the form that code scanning reads: every rule with its page, every finding with its region.
//!
//! Source: "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", OASIS Standard, section 3.

mod log;

use std::io::{self, Write};

use super::findings::{Report, Said};
use super::fingerprint::Fingerprint;
use super::{link, rule};
use crate::cli::input::{Place, Problem};
use crate::policy::rules::{RULES, Rule};
use crate::policy::{Finding, Level};
use log::{
    Artifact, Change, Configuration, Descriptor, Driver, Fingerprints, Fix, Invocation, Location, Log, Logical,
    Message, Notification, Physical, Properties, Region, Related, Replacement, Run, SarifResult, Text, Tool,
};

/// Writes the report as one SARIF log.
///
/// # Errors
/// Those of `output`.
pub fn write(report: &Report<'_>, output: &mut dyn Write) -> io::Result<()> {
    let results = report.entries.iter().flat_map(|entry| {
        entry
            .findings
            .iter()
            .map(|said| result(said, &entry.object.title(), Fingerprint::of(entry.object, &said.finding)))
    });
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool { driver: driver() },
            column_kind: "unicodeCodePoints",
            invocations: [invocation(report)],
            results: results.collect(),
        }],
    };
    serde_json::to_writer_pretty(&mut *output, &log)?;
    output.write_all(b"\n")
}

fn driver() -> Driver {
    let repository = env!("CARGO_PKG_REPOSITORY");
    Driver {
        name: "flink-admission",
        semantic_version: env!("CARGO_PKG_VERSION"),
        information_uri: Some(repository).filter(|uri| !uri.is_empty()),
        rules: RULES.iter().map(|rule| descriptor(rule)).collect(),
    }
}

fn descriptor(rule: &Rule) -> Descriptor {
    let link = link(rule.id);
    Descriptor {
        id: rule.id,
        name: pascal_case(rule.id),
        short_description: Text::of(plain_text(rule.page.what)),
        full_description: Text::of(plain_text(rule.page.why)),
        help: log::Help { text: rule::plain(rule), markdown: rule::markdown(rule) },
        // A reference that is relative to nothing is no link.
        help_uri: Some(link).filter(|link| link.contains("://")),
        default_configuration: Configuration { enabled: rule.baseline != Level::Off, level: level(rule.baseline) },
        properties: Properties { tags: ["flink", "kubernetes"] },
    }
}

fn invocation(report: &Report<'_>) -> Invocation {
    let mut notifications: Vec<Notification> =
        report.reviewed.problems.iter().map(|problem| notification(problem, "error")).collect();
    notifications.extend(report.reviewed.warnings.iter().map(|problem| notification(problem, "warning")));
    if report.omitted > 0 {
        let text = format!("{} findings are not shown (--max-findings)", report.omitted);
        notifications.push(Notification { level: "note", message: Message { text }, locations: Vec::new() });
    }
    Invocation {
        execution_successful: report.reviewed.problems.is_empty(),
        tool_execution_notifications: notifications,
    }
}

fn notification(problem: &Problem, level: &'static str) -> Notification {
    let region =
        problem.line.map(|line| Region { start_line: line, start_column: None, end_line: None, end_column: None });
    let physical_location = Physical { artifact_location: Artifact::of(&problem.file), region };
    let location = Location { physical_location, logical_locations: Vec::new() };
    Notification { level, message: Message { text: problem.message.clone() }, locations: vec![location] }
}

fn result(said: &Said<'_>, title: &str, fingerprint: Fingerprint) -> SarifResult {
    let (finding, file) = (&said.finding, &said.source().file);
    let logical = Logical { fully_qualified_name: format!("{title}/{}", finding.path), kind: "property" };
    let related = said.pointed.reader.as_ref().map(|(source, place)| Related {
        physical_location: physical(&source.file, place),
        message: Message { text: format!("{title}, which reads it") },
    });
    SarifResult {
        rule_id: finding.rule,
        rule_index: RULES.iter().position(|rule| rule.id == finding.rule),
        level: level(finding.level),
        message: Message { text: message(finding, title) },
        locations: [Location {
            physical_location: physical(file, &said.pointed.place),
            logical_locations: vec![logical],
        }],
        related_locations: related.into_iter().collect(),
        partial_fingerprints: Fingerprints { finding: fingerprint.in_words() },
        fixes: said.pointed.edit.iter().map(|edit| fix(finding, file, &edit.place, &edit.text)).collect(),
    }
}

fn message(finding: &Finding, title: &str) -> String {
    let role = finding.role.map(|role| format!(" ({role})")).unwrap_or_default();
    format!("{title}{role}: {finding}")
}

fn fix(finding: &Finding, file: &str, place: &Place, text: &str) -> Fix {
    let replacement = Replacement { deleted_region: Region::of(place), inserted_content: Text::of(text.to_owned()) };
    let change = Change { artifact_location: Artifact::of(file), replacements: [replacement] };
    Fix { description: Message { text: finding.fix.clone() }, artifact_changes: [change] }
}

fn physical(file: &str, place: &Place) -> Physical {
    Physical { artifact_location: Artifact::of(file), region: Some(Region::of(place)) }
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::Deny => "error",
        Level::Warn => "warning",
        Level::Audit => "note",
        Level::Off => "none",
    }
}

/// `StorageOnEmptyDir` of `storage-on-empty-dir`.
fn pascal_case(id: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    };
    id.split('-').map(capital).collect()
}

/// Markdown's code marks are noise where they are not rendered.
fn plain_text(text: &str) -> String {
    text.replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_names() {
        assert_eq!(pascal_case("storage-on-empty-dir"), "StorageOnEmptyDir");
        assert_eq!(pascal_case("ha-2-x"), "Ha2X");
    }
}
