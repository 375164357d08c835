//! The report for people.
//!
//! ```text
//! deny   FlinkDeployment default/word-count
//!        word-count.yaml, line 1
//!        deny   storage-on-empty-dir
//!               spec.flinkConfiguration["high-availability.storageDir"] = file:///data/ha
//!                 --> word-count.yaml:13:35
//!                  |
//!               13 |     high-availability.storageDir: file:///data/ha
//!                  |                                   ^^^^^^^^^^^^^^^
//!               lies on an emptyDir, which is gone with the pod
//!               fix: mount a claim at /data
//!               see: flink-admission explain storage-on-empty-dir
//!
//! 3 objects, 1 of Flink: 1 denied
//! ```

use std::io::{self, Write};

use super::findings::{Entry, Report, Said};
use super::{count, page, paint, plain, shown_value, snippet, verdict_word};
use crate::cli::input::PassedOver;
use crate::policy::Level;

/// Writes the report as text. Objects that are not Flink's are only counted.
///
/// # Errors
/// Those of `output`.
pub fn write(report: &Report<'_>, output: &mut dyn Write) -> io::Result<()> {
    for entry in report.entries.iter().filter(|entry| entry.object.workload.is_some()) {
        if !report.quiet || !entry.findings.is_empty() {
            about(entry, report.quiet, output)?;
        }
    }
    if report.quiet { omitted(report, output) } else { summary(report, output) }
}

fn about(entry: &Entry<'_>, quiet: bool, output: &mut dyn Write) -> io::Result<()> {
    let object = entry.object;
    let (paint, strong, faint) = (paint::of(entry.verdict), paint::STRONG, paint::FAINT);
    let verdict = verdict_word(entry.verdict);
    writeln!(output, "{paint}{verdict:<6}{paint:#} {strong}{}{strong:#}", plain(&object.title()))?;
    writeln!(output, "       {faint}{}{faint:#}", plain(&object.source.to_string()))?;
    for finding in &entry.findings {
        said(finding, output)?;
    }
    if let Some(why) = object.outcome.as_ref().and_then(|outcome| outcome.unknown.as_ref()).filter(|_| !quiet) {
        writeln!(output, "       {faint}its configuration is not known whole:{faint:#} {}", plain(why))?;
    }
    if let Some(outcome) = &object.outcome
        && !outcome.changes.is_empty()
        && !quiet
    {
        let done = if outcome.patch.is_empty() { "would be filled in" } else { "filled in" };
        writeln!(output, "       {faint}{done}{faint:#}")?;
        for change in &outcome.changes {
            writeln!(output, "              {}", plain(change))?;
        }
    }
    writeln!(output)
}

fn said(said: &Said<'_>, output: &mut dyn Write) -> io::Result<()> {
    let finding = &said.finding;
    let (paint, faint) = (paint::of(Some(finding.level)), paint::FAINT);
    let role = finding.role.map(|role| format!(" {faint}({role}){faint:#}")).unwrap_or_default();
    writeln!(output, "       {paint}{:<6}{paint:#} {}{role}", finding.level.word(), finding.rule)?;
    let value = shown_value(finding).map(|value| format!(" = {value}")).unwrap_or_default();
    line(output, &format!("{}{value}", finding.path))?;
    // The origin is news only where the path does not tell it.
    if !finding.origin.is_empty() && !finding.path.starts_with(&finding.origin) {
        line(output, &format!("{faint}from {}{faint:#}", plain(&finding.origin)))?;
    }
    snippet::lines(said).iter().try_for_each(|text| line(output, text))?;
    line(output, &plain(&finding.message))?;
    if !finding.fix.is_empty() {
        line(output, &format!("{faint}fix:{faint:#} {}", plain(&finding.fix)))?;
    }
    line(output, &format!("{faint}see: {}{faint:#}", page(finding.rule)))
}

/// A line of a finding; what has line breaks of its own stays indented.
fn line(output: &mut dyn Write, text: &str) -> io::Result<()> {
    text.lines().try_for_each(|line| writeln!(output, "              {line}"))
}

fn omitted(report: &Report<'_>, output: &mut dyn Write) -> io::Result<()> {
    match report.omitted {
        0 => Ok(()),
        number => writeln!(output, "{} more are not shown (--max-findings)", count(number, "finding")),
    }
}

/// What a baseline kept out of the report.
fn accepted(report: &Report<'_>, output: &mut dyn Write) -> io::Result<()> {
    if report.accepted > 0 {
        writeln!(output, "{} known to the baseline", count(report.accepted, "finding"))?;
    }
    match report.gone {
        0 => Ok(()),
        number => writeln!(output, "{} of the baseline not found any more; write it anew", count(number, "finding")),
    }
}

/// Writes how much was read and what came of it.
///
/// # Errors
/// Those of `output`.
pub(super) fn summary(report: &Report<'_>, output: &mut dyn Write) -> io::Result<()> {
    let reviewed = report.reviewed;
    omitted(report, output)?;
    accepted(report, output)?;
    let flink = reviewed.objects.iter().filter(|object| object.workload.is_some()).count();
    let mut parts = Vec::new();
    for (level, word) in [(Level::Deny, "denied"), (Level::Warn, "with warnings"), (Level::Audit, "with remarks")] {
        let (number, paint) = (report.count(level), paint::of(Some(level)));
        if number > 0 {
            parts.push(format!("{paint}{number} {word}{paint:#}"));
        }
    }
    if parts.is_empty() && flink > 0 {
        parts.push(format!("{0}nothing found{0:#}", paint::ADDED));
    }
    let verdicts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    writeln!(output, "{}, {flink} of Flink{verdicts}", count(reviewed.objects.len(), "object"))?;
    let completed = reviewed
        .objects
        .iter()
        .filter(|object| !object.is_stored && object.outcome.as_ref().is_some_and(|outcome| !outcome.patch.is_empty()));
    match completed.count() {
        0 => {}
        number => writeln!(
            output,
            "{} judged with what the webhook fills in; `--as-written` judges without",
            count(number, "object")
        )?,
    }
    passed_over(reviewed.passed_over, output)?;
    if !reviewed.problems.is_empty() {
        let (removed, number) = (paint::REMOVED, count(reviewed.problems.len(), "part"));
        writeln!(output, "{removed}{number} of the input could not be read{removed:#}, see above")?;
    }
    Ok(())
}

/// Writes what was left out, and why.
fn passed_over(left_out: PassedOver, output: &mut dyn Write) -> io::Result<()> {
    let PassedOver { others, unreadable, patches } = left_out;
    for (number, noun, why) in [
        (others, "document", "no Kubernetes objects"),
        (unreadable, "file", "they cannot be parsed and name no `apiVersion`"),
        (patches, "file", "a kustomization names them as patches; check what `kustomize build` makes of them"),
    ] {
        if number > 0 {
            writeln!(output, "{} passed over: {why}", count(number, noun))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::cli::input::{Source, Text};
    use crate::cli::locate::Pointed;
    use crate::object::FieldPath;
    use crate::policy::{Finding, Role};

    /// What is printed of `finding`, which points at `meant` in `text`.
    fn printed(finding: &Finding, text: &str, meant: &str) -> String {
        let start = text.find(meant).unwrap();
        let text = Rc::new(Text::new(text.to_owned()));
        let (item, range, object) = (FieldPath::default(), 0..0, serde_json::Value::Null);
        let place = text.place(start..start + meant.len());
        let source = Source { file: "a.yaml".into(), document: 0, line: 1, item, text, range, object };
        let pointed = Pointed { source: &source, place, reader: None, edit: None };
        let mut output = anstream::StripStream::new(Vec::new());
        said(&Said { finding: finding.clone(), pointed }, &mut output).unwrap();
        String::from_utf8(output.into_inner()).unwrap()
    }

    fn finding() -> Finding {
        Finding {
            rule: "storage-on-empty-dir",
            level: Level::Deny,
            role: Some(Role::JobManager),
            path: "spec.flinkConfiguration[\"high-availability.storageDir\"]".into(),
            at: FieldPath::default(),
            value: Some("file:///data/ha".into()),
            origin: "spec.flinkConfiguration".into(),
            message: "lies on the emptyDir `data`, which is gone with the pod".into(),
            fix: "mount a claim at `/data`".into(),
            replacement: None,
            exception: None,
            shared: None,
        }
    }

    #[test]
    fn a_finding_says_where_what_why_and_what_to_do() {
        let text = "spec:\n  é: \u{1b}{storageDir: file:///data/ha}\n";
        insta::assert_snapshot!(printed(&finding(), text, "file:///data/ha"), @r#"
        deny   storage-on-empty-dir (JobManager)
               spec.flinkConfiguration["high-availability.storageDir"] = file:///data/ha
                --> a.yaml:2:20
                 |
               2 |   é: �{storageDir: file:///data/ha}
                 |                    ^^^^^^^^^^^^^^^
               lies on the emptyDir `data`, which is gone with the pod
               fix: mount a claim at `/data`
               see: flink-admission explain storage-on-empty-dir
        "#);
    }

    #[test]
    fn an_origin_elsewhere_is_named_and_a_credential_is_not_shown() {
        let finding = Finding {
            path: "spec.template.spec.containers[0].env[\"s3.secret-key\"]".into(),
            value: Some("hunter2".into()),
            origin: "ConfigMap flink-config, key config.yaml, line 12".into(),
            message: "first\nsecond\u{1b}[2J".into(),
            ..finding()
        };
        let text = "a: 1\ns3.secret-key: hunter2\n";
        insta::assert_snapshot!(printed(&finding, text, "hunter2"), @r#"
        deny   storage-on-empty-dir (JobManager)
               spec.template.spec.containers[0].env["s3.secret-key"] = ***
               from ConfigMap flink-config, key config.yaml, line 12
               --> a.yaml:2:16
               first
               second�[2J
               fix: mount a claim at `/data`
               see: flink-admission explain storage-on-empty-dir
        "#);
    }

    #[test]
    fn what_stands_beside_a_credential_is_not_shown_either() {
        for text in ["{\"s3.secret-key\": \"hunter2\", \"a\": 1}".to_owned(), format!("{} a", "hunter2 ".repeat(100))] {
            let printed = printed(&finding(), &text, "a");
            assert!(printed.contains("--> a.yaml:1:") && !printed.contains("hunter2"), "{printed}");
        }
    }
    #[test]
    fn the_line_of_a_nested_credential_is_not_shown() {
        let finding = Finding { path: "spec.flinkConfiguration.s3.secret.key".into(), value: None, ..finding() };
        let printed = printed(&finding, "s3:\n  secret:\n    key: hunter2\n", "hunter2");
        assert!(printed.contains("--> a.yaml:3:") && !printed.contains("hunter2"), "{printed}");
    }
}
