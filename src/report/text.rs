//! The report for people.
//!
//! ```text
//! deny   FlinkDeployment default/word-count
//!        word-count.yaml
//!        deny   storage-on-empty-dir
//!               spec.flinkConfiguration["high-availability.storageDir"]: `file:///data/ha`
//!               lies on an emptyDir, which is gone with the pod; mount a claim at /data
//!
//! 3 objects, 1 of Flink: 1 denied
//! ```

use std::io::{self, Write};

use super::{count, paint, plain, shown_value, verdict_word};
use crate::cli::review::{Object, Reviewed};
use crate::policy::{Finding, Level};

/// Writes the report as text. Objects that are not Flink's are only counted.
///
/// # Errors
/// Those of `output`.
pub fn write(reviewed: &Reviewed, output: &mut dyn Write) -> io::Result<()> {
    for object in reviewed.objects.iter().filter(|object| object.workload.is_some()) {
        entry(object, output)?;
    }
    summary(reviewed, output)
}

fn entry(object: &Object, output: &mut dyn Write) -> io::Result<()> {
    let (paint, strong, faint) = (paint::of(object.verdict()), paint::STRONG, paint::FAINT);
    let verdict = verdict_word(object.verdict());
    writeln!(output, "{paint}{verdict:<6}{paint:#} {strong}{}{strong:#}", plain(&object.title()))?;
    writeln!(output, "       {faint}{}{faint:#}", plain(&object.source.to_string()))?;
    for finding in object.findings() {
        said(finding, output)?;
    }
    if let Some(outcome) = &object.outcome
        && !outcome.changes.is_empty()
    {
        let done = if outcome.patch.is_empty() { "would be filled in" } else { "filled in" };
        writeln!(output, "       {faint}{done}{faint:#}")?;
        for change in &outcome.changes {
            writeln!(output, "              {}", plain(change))?;
        }
    }
    writeln!(output)
}

fn said(finding: &Finding, output: &mut dyn Write) -> io::Result<()> {
    let (paint, faint) = (paint::of(Some(finding.level)), paint::FAINT);
    let role = finding.role.map(|role| format!(" {faint}({role}){faint:#}")).unwrap_or_default();
    writeln!(output, "       {paint}{:<6}{paint:#} {}{role}", finding.level.word(), finding.rule)?;
    let value = shown_value(finding).map(|value| format!(" = {value}")).unwrap_or_default();
    line(output, &format!("{}{value}", finding.path))?;
    // The origin is news only where the path does not tell it.
    if !finding.origin.is_empty() && !finding.path.starts_with(&finding.origin) {
        line(output, &format!("{faint}from {}{faint:#}", plain(&finding.origin)))?;
    }
    line(output, &plain(&finding.message))?;
    if !finding.fix.is_empty() {
        line(output, &format!("{faint}fix:{faint:#} {}", plain(&finding.fix)))?;
    }
    Ok(())
}

/// A line of a finding; what has line breaks of its own stays indented.
fn line(output: &mut dyn Write, text: &str) -> io::Result<()> {
    text.lines().try_for_each(|line| writeln!(output, "              {line}"))
}

fn summary(reviewed: &Reviewed, output: &mut dyn Write) -> io::Result<()> {
    let flink = reviewed.objects.iter().filter(|object| object.workload.is_some()).count();
    let verdict = |level| reviewed.objects.iter().filter(|object| object.verdict() == Some(level)).count();
    let mut parts = Vec::new();
    for (level, word) in [(Level::Deny, "denied"), (Level::Warn, "with warnings"), (Level::Audit, "with remarks")] {
        let (number, paint) = (verdict(level), paint::of(Some(level)));
        if number > 0 {
            parts.push(format!("{paint}{number} {word}{paint:#}"));
        }
    }
    if parts.is_empty() && flink > 0 {
        parts.push(format!("{0}nothing found{0:#}", paint::ADDED));
    }
    let verdicts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    writeln!(output, "{}, {flink} of Flink{verdicts}", count(reviewed.objects.len(), "object"))?;
    if reviewed.others > 0 {
        writeln!(output, "{} that are no Kubernetes objects were passed over", count(reviewed.others, "document"))?;
    }
    if !reviewed.problems.is_empty() {
        let (removed, number) = (paint::REMOVED, count(reviewed.problems.len(), "part"));
        writeln!(output, "{removed}{number} of the input could not be read{removed:#}, see above")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Role;

    fn printed(finding: &Finding) -> String {
        let mut output = anstream::StripStream::new(Vec::new());
        said(finding, &mut output).unwrap();
        String::from_utf8(output.into_inner()).unwrap()
    }

    fn finding() -> Finding {
        Finding {
            rule: "storage-on-empty-dir",
            level: Level::Deny,
            role: Some(Role::JobManager),
            path: "spec.flinkConfiguration[\"high-availability.storageDir\"]".into(),
            value: Some("file:///data/ha".into()),
            origin: "spec.flinkConfiguration".into(),
            message: "lies on the emptyDir `data`, which is gone with the pod".into(),
            fix: "mount a claim at `/data`".into(),
        }
    }

    #[test]
    fn a_finding_says_where_what_why_and_what_to_do() {
        insta::assert_snapshot!(printed(&finding()), @r#"
               deny   storage-on-empty-dir (JobManager)
                      spec.flinkConfiguration["high-availability.storageDir"] = file:///data/ha
                      lies on the emptyDir `data`, which is gone with the pod
                      fix: mount a claim at `/data`
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
        insta::assert_snapshot!(printed(&finding), @r#"
        deny   storage-on-empty-dir (JobManager)
               spec.template.spec.containers[0].env["s3.secret-key"] = ***
               from ConfigMap flink-config, key config.yaml, line 12
               first
               second�[2J
               fix: mount a claim at `/data`
        "#);
    }
}
