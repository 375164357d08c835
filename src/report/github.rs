//! The report as workflow commands, which GitHub Actions shows as annotations at the lines that they name.
//!
//! ```text
//! ::error file=a.yaml,line=12,endLine=12,col=35,endColumn=50,title=storage-on-empty-dir::FlinkDeployment default/word-count: …
//! ```

use std::io::{self, Write};

use super::findings::{Report, Said};
use super::{page, text};
use crate::cli::input::Problem;
use crate::policy::Level;

/// Writes a command for each finding and each problem, and the summary.
///
/// # Errors
/// Those of `output`.
pub fn write(report: &Report<'_>, output: &mut dyn Write) -> io::Result<()> {
    for entry in &report.entries {
        for said in &entry.findings {
            finding(&entry.object.title(), said, output)?;
        }
    }
    for one in &report.reviewed.problems {
        problem(one, output)?;
    }
    if report.quiet { Ok(()) } else { text::summary(report, output) }
}

fn finding(title: &str, said: &Said<'_>, output: &mut dyn Write) -> io::Result<()> {
    let (finding, place) = (&said.finding, &said.pointed.place);
    let command = match finding.level {
        Level::Deny => "error",
        Level::Warn => "warning",
        Level::Audit | Level::Off => "notice",
    };
    let (start, end) = (place.start, place.end);
    write!(output, "::{command} file={},line={},endLine={}", file(&said.source().file), start.line, end.line)?;
    // GitHub refuses columns where the lines differ.
    if start.line == end.line {
        write!(output, ",col={},endColumn={}", start.column, end.column)?;
    }
    let message = format!("{title}: {finding}\nsee {}", page(finding.rule));
    writeln!(output, ",title={}::{}", property(finding.rule), data(&message))
}

fn problem(problem: &Problem, output: &mut dyn Write) -> io::Result<()> {
    let line = problem.line.map(|line| format!(",line={line}")).unwrap_or_default();
    writeln!(output, "::error file={}{line},title=unreadable::{}", file(&problem.file), data(&problem.message))
}

/// `name` as GitHub knows the file: below the root of the repository, in which the program runs.
fn file(name: &str) -> String {
    property(name.trim_start_matches("./"))
}

/// `text` as the message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// `text` as the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_cannot_end_a_command() {
        assert_eq!(data("100%\r\n::error::x"), "100%25%0D%0A::error::x");
        assert_eq!(property("c:\\a,b%\n"), "c%3A\\a%2Cb%25%0A");
        assert_eq!(file("./a/b.yaml"), "a/b.yaml");
    }
}
