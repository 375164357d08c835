//! The report, for people and for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::finding::{Check, Finding, State};
use super::names::Names;
use crate::report::paint::{ADDED, FAINT, REMOVED, STRONG};
use crate::report::plain;

/// What `doctor` found.
#[derive(Debug, Clone)]
pub struct Report {
    names: Names,
    findings: Vec<Finding>,
    was_asked: bool,
}

impl Report {
    /// Of these findings.
    #[must_use]
    pub fn new(names: Names, findings: Vec<Finding>) -> Self {
        Self { names, findings, was_asked: true }
    }

    /// Where the API server could not be asked anything.
    #[must_use]
    pub fn unasked(names: Names, why: &str) -> Self {
        let finding = Check::ApiServer.error(
            why,
            "nothing could be checked; this says nothing of the webhook",
            "kubectl version   # with the same KUBECONFIG",
        );
        Self { names, findings: vec![finding], was_asked: false }
    }

    /// All findings, in the order of the checks.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether the API server answered at all.
    #[must_use]
    pub const fn was_asked(&self) -> bool {
        self.was_asked
    }

    /// The worst that was found.
    #[must_use]
    pub fn worst(&self) -> State {
        self.findings.iter().map(|finding| finding.state).max().unwrap_or(State::Ok)
    }

    fn count(&self, state: State) -> usize {
        self.findings.iter().filter(|finding| finding.state == state).count()
    }

    /// For people: one line a finding under the heading of its group, and below what is no good why, and what to do.
    ///
    /// # Errors
    /// Those of `output`.
    pub fn text(&self, output: &mut dyn Write) -> io::Result<()> {
        let Names { namespace, service } = &self.names;
        writeln!(output, "{STRONG}{service} in {namespace}{STRONG:#}")?;
        let mut group = "";
        for finding in &self.findings {
            if finding.check.group() != group {
                group = finding.check.group();
                writeln!(output, "\n{STRONG}{group}{STRONG:#}")?;
            }
            one(finding, output)?;
        }
        let counted = [State::Error, State::Warning, State::Unknown, State::Ok]
            .map(|state| (self.count(state), state.word()))
            .map(|(count, word)| format!("{count} {word}"));
        writeln!(output, "\n{}", counted.join(", "))
    }

    /// For programs, as one JSON object. Fields may be added; none changes its meaning.
    ///
    /// # Errors
    /// Those of `output`.
    pub fn json(&self, output: &mut dyn Write) -> io::Result<()> {
        let findings = self.findings.iter().map(|finding| Said {
            check: finding.check.word(),
            group: finding.check.group(),
            state: finding.state.word(),
            subject: &finding.subject,
            what: &finding.what,
            why: &finding.why,
            fix: &finding.fix,
        });
        let report = DoctorReport {
            api_version: API_VERSION,
            kind: "DoctorReport",
            version: env!("CARGO_PKG_VERSION"),
            namespace: &self.names.namespace,
            service: &self.names.service,
            summary: Summary {
                error: self.count(State::Error),
                warning: self.count(State::Warning),
                unknown: self.count(State::Unknown),
                ok: self.count(State::Ok),
            },
            findings: findings.collect(),
        };
        serde_json::to_writer_pretty(&mut *output, &report)?;
        output.write_all(b"\n")
    }
}

fn one(finding: &Finding, output: &mut dyn Write) -> io::Result<()> {
    let style = match finding.state {
        State::Ok => ADDED,
        State::Unknown => FAINT,
        State::Warning => anstyle::AnsiColor::Yellow.on_default(),
        State::Error => REMOVED,
    };
    let (state, check) = (finding.state.word(), finding.check.word());
    let subject = if finding.subject.is_empty() { String::new() } else { format!("{}: ", finding.subject) };
    writeln!(output, "  {style}{state:<8}{style:#}{check:<24}{}{}", plain(&subject), plain(&finding.what))?;
    for (word, text) in [("why", &finding.why), ("fix", &finding.fix)] {
        if !text.is_empty() {
            writeln!(output, "          {FAINT}{word}{FAINT:#} {}", plain(text))?;
        }
    }
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DoctorReport<'a> {
    api_version: &'static str,
    kind: &'static str,
    version: &'static str,
    namespace: &'a str,
    service: &'a str,
    summary: Summary,
    findings: Vec<Said<'a>>,
}

#[derive(Serialize)]
struct Summary {
    error: usize,
    warning: usize,
    unknown: usize,
    ok: usize,
}

#[derive(Serialize)]
struct Said<'a> {
    check: &'static str,
    group: &'static str,
    state: &'static str,
    subject: &'a str,
    what: &'a str,
    why: &'a str,
    fix: &'a str,
}

const API_VERSION: &str = "flink-admission.io/v1alpha1";
