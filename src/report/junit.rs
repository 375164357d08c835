//! The report as JUnit's XML, as Jenkins and GitLab read it: an object is a class, a rule that found something in it a test.
//!
//! Denials are failures. Warnings and remarks are tests that pass and say so in their output. What could not be read is an
//! error. Times are zero: the same input gives the same bytes.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::findings::{Entry, Report, Said};
use super::page;
use crate::cli::input::{self, Problem};
use crate::policy::Level;

/// Writes the report as JUnit's XML.
///
/// # Errors
/// Those of `output`.
pub fn write(report: &Report<'_>, output: &mut dyn Write) -> io::Result<()> {
    let mut suites = Vec::new();
    let mut seen = BTreeMap::new();
    for entry in report.entries.iter().filter(|entry| entry.object.workload.is_some()) {
        suites.push(Suite::of_object(entry, &mut seen));
    }
    if !report.reviewed.problems.is_empty() {
        suites.push(Suite::of_problems(&report.reviewed.problems));
    }
    let sum = |of: fn(&Suite) -> usize| suites.iter().map(of).sum::<usize>();
    let (tests, failures, errors) = (sum(Suite::tests), sum(Suite::failures), sum(Suite::errors));
    writeln!(output, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        output,
        r#"<testsuites name="flink-admission" tests="{tests}" failures="{failures}" errors="{errors}" time="0">"#
    )?;
    suites.iter().try_for_each(|suite| suite.write(output))?;
    writeln!(output, "</testsuites>")
}

/// The tests of one object.
struct Suite {
    name: String,
    cases: Vec<Case>,
}

/// One test.
struct Case {
    name: String,
    file: String,
    line: Option<usize>,
    result: Result,
    text: String,
}

enum Result {
    Passed,
    Failed(String),
    Unreadable(String),
}

impl Suite {
    fn of_object(entry: &Entry<'_>, seen: &mut BTreeMap<String, usize>) -> Self {
        let object = entry.object;
        let mut name = object.title();
        let times = seen.entry(name.clone()).or_default();
        *times += 1;
        // Of two tests with one name GitLab forgets one.
        if *times > 1 {
            name = format!("{name} ({})", object.source);
        }
        let mut by_rule: BTreeMap<&str, Vec<&Said<'_>>> = BTreeMap::new();
        for said in &entry.findings {
            by_rule.entry(said.finding.rule).or_default().push(said);
        }
        let mut cases: Vec<Case> = by_rule.iter().map(|(rule, said)| Case::of_rule(rule, said)).collect();
        if cases.is_empty() {
            let (file, line) = (object.source.file.clone(), Some(object.source.line));
            cases.push(Case { name: "all rules".to_owned(), file, line, result: Result::Passed, text: String::new() });
        }
        Self { name, cases }
    }

    fn of_problems(problems: &[Problem]) -> Self {
        let case = |problem: &Problem| Case {
            name: problem.to_string(),
            file: problem.file.clone(),
            line: problem.line,
            result: Result::Unreadable(problem.message.clone()),
            text: String::new(),
        };
        Self { name: "input".to_owned(), cases: problems.iter().map(case).collect() }
    }

    fn tests(&self) -> usize {
        self.cases.len()
    }

    fn failures(&self) -> usize {
        self.cases.iter().filter(|case| matches!(case.result, Result::Failed(_))).count()
    }

    fn errors(&self) -> usize {
        self.cases.iter().filter(|case| matches!(case.result, Result::Unreadable(_))).count()
    }

    fn write(&self, output: &mut dyn Write) -> io::Result<()> {
        let name = escaped(&self.name);
        let (tests, failures, errors) = (self.tests(), self.failures(), self.errors());
        writeln!(
            output,
            r#"  <testsuite name="{name}" tests="{tests}" failures="{failures}" errors="{errors}" skipped="0" time="0">"#
        )?;
        for case in &self.cases {
            let line = case.line.map(|line| format!(r#" line="{line}""#)).unwrap_or_default();
            let (of_case, file) = (escaped(&case.name), escaped(&case.file));
            write!(output, r#"    <testcase classname="{name}" name="{of_case}" file="{file}"{line} time="0""#)?;
            case.write(output)?;
        }
        writeln!(output, "  </testsuite>")
    }
}

impl Case {
    fn of_rule(rule: &str, said: &[&Said<'_>]) -> Self {
        let first = said.first();
        let is_denied = said.iter().any(|said| said.finding.level == Level::Deny);
        let text: Vec<String> = said.iter().map(|said| in_words(said)).collect();
        Self {
            name: rule.to_owned(),
            file: first.map(|said| said.source().file.clone()).unwrap_or_default(),
            line: first.map(|said| said.pointed.place.start.line),
            result: match first {
                Some(said) if is_denied => Result::Failed(said.finding.to_string()),
                _ => Result::Passed,
            },
            text: format!("{}\nsee {}", text.join("\n"), page(rule)),
        }
    }

    /// What stands behind the attributes.
    fn write(&self, output: &mut dyn Write) -> io::Result<()> {
        let (start, end) = match &self.result {
            Result::Passed if self.text.is_empty() => return writeln!(output, "/>"),
            Result::Passed => ("<system-out>".to_owned(), "</system-out>"),
            Result::Failed(message) => {
                (format!(r#"<failure message="{}" type="deny">"#, escaped(message)), "</failure>")
            }
            Result::Unreadable(message) => {
                (format!(r#"<error message="{}" type="unreadable">"#, escaped(message)), "</error>")
            }
        };
        writeln!(output, ">\n      {start}{}{end}\n    </testcase>", escaped(&self.text).replace("&#10;", "\n"))
    }
}

/// `deny: word-count.yaml:12:3: <path>: <what is>; <what to do>`.
fn in_words(said: &Said<'_>) -> String {
    let (place, file) = (&said.pointed.place.start, input::file_for_people(&said.source().file));
    format!("{}: {file}:{}:{}: {}", said.finding.level, place.line, place.column, said.finding)
}

/// `text` for XML 1.0, in an element or in an attribute: a character that it cannot hold becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.extend(["&#", &u32::from(c).to_string(), ";"]),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_made_safe_for_xml() {
        assert_eq!(
            escaped("a<b>&\"c\"\n\u{1b}[0m\u{0}é]]>"),
            "a&lt;b&gt;&amp;&quot;c&quot;&#10;\u{fffd}[0m\u{fffd}é]]&gt;"
        );
    }
}
