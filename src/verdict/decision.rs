//! What is answered to the API server, and what a person reads of it.

use std::collections::BTreeMap;

use crate::policy::{Finding, Level, shortened};

/// What is answered to the API server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    /// Whether the object may pass.
    pub allowed: bool,
    /// The whole denial for people, at most ten lines; empty when allowed.
    pub message: String,
    /// One cause a denial, for `status.details.causes`.
    pub causes: Vec<Cause>,
    /// Warnings, each at most 256 characters, together at most 4096.
    pub warnings: Vec<String>,
    /// The change, empty when there is none (always empty for `/validate`).
    pub patch: json_patch::Patch,
    /// Audit annotations by key, without the webhook's name.
    pub audit: BTreeMap<String, String>,
    /// Rules that found something, with their level, for the log and the metrics: (`storage-on-empty-dir`, `deny`).
    pub rules: Vec<(&'static str, &'static str)>,
    /// What was filled in, in words, for the log; never a value of a credential-like key.
    pub changes: Vec<String>,
    /// Name of the policy that was applied.
    pub policy: String,
}

/// One reason of a denial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Field path: `spec.flinkConfiguration["high-availability.storageDir"]`.
    pub field: String,
    /// Id of the rule: `storage-on-empty-dir`.
    pub reason: String,
    /// The whole message.
    pub message: String,
}

/// Lines of a denial that a terminal shows without scrolling.
const LINES: usize = 10;
/// The API server may cut a warning behind this many characters.
const WARNING: usize = 256;
/// It drops what comes behind this many characters of all warnings together; some are left for the one that counts the rest,
/// and for [`Decision::warn`].
const WARNINGS: usize = 4096 - 2 * WARNING;
/// What is wrong gets so many of them where both that and what to do are long.
const WRONG: usize = 64;
/// Bound on what one finding may add to a reply, in characters; values and names come from the object.
const MESSAGE: usize = 1024;
/// Bound on the causes of a reply.
const CAUSES: usize = 100;

impl Decision {
    /// Allowed, untouched, without a word.
    #[must_use]
    pub fn allow() -> Self {
        Self { allowed: true, ..Self::default() }
    }

    /// The decision that follows from `findings`, which are sorted by weight.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        let of_level = |level: Level| findings.iter().filter(move |finding| finding.level == level);
        let denials: Vec<&Finding> = of_level(Level::Deny).collect();
        let audited: Vec<String> =
            of_level(Level::Audit).map(|finding| format!("{}: {}", finding.rule, finding.path)).collect();
        let mut decision = Self {
            allowed: denials.is_empty(),
            message: message(&denials),
            causes: denials.iter().take(CAUSES).map(|finding| cause(finding)).collect(),
            warnings: warnings(of_level(Level::Warn)),
            rules: findings.iter().map(|finding| (finding.rule, finding.level.word())).collect(),
            ..Self::default()
        };
        if !audited.is_empty() {
            decision.audit.insert("findings".to_owned(), shortened(&audited.join(", "), MESSAGE));
        }
        let excepted = |finding: &Finding| {
            finding.exception.as_ref().map(|reason| format!("{}: {}: {reason}", finding.rule, finding.path))
        };
        let excepted: Vec<String> = findings.iter().filter_map(excepted).collect();
        if !excepted.is_empty() {
            decision.audit.insert("exceptions".to_owned(), shortened(&excepted.join(", "), MESSAGE));
        }
        decision
    }

    /// Says `text` before what was found.
    pub fn warn(&mut self, text: &str) {
        self.warnings.insert(0, shortened(text, WARNING - 1));
    }
}

fn cause(finding: &Finding) -> Cause {
    Cause {
        field: finding.path.clone(),
        reason: finding.rule.to_owned(),
        message: shortened(&format!("{}; {}", finding.message, finding.fix), MESSAGE),
    }
}

fn message(denials: &[&Finding]) -> String {
    if denials.is_empty() {
        return String::new();
    }
    let count = match denials.len() {
        1 => "1 problem".to_owned(),
        number => format!("{number} problems"),
    };
    let shown = if denials.len() < LINES { denials.len() } else { LINES - 2 };
    let mut lines = vec![format!("{count}:")];
    lines
        .extend(denials.iter().take(shown).map(|finding| shortened(&format!("{finding} [{}]", finding.rule), MESSAGE)));
    if denials.len() > shown {
        lines.push(format!(
            "and {} more: `flink-admission check` on the manifest shows them all",
            denials.len() - shown
        ));
    }
    lines.join("\n")
}

/// The warnings that fit: a long one is cut at a word of its own rather than at the API server's.
fn warnings<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut left = WARNINGS;
    let mut dropped = 0_usize;
    for finding in findings {
        let text = warning(finding);
        let length = text.chars().count();
        if length > left {
            dropped += 1;
            continue;
        }
        left -= length;
        warnings.push(text);
    }
    if dropped > 0 {
        warnings.push(format!("and {dropped} more warnings: `flink-admission check` on the manifest shows them all"));
    }
    warnings
}

/// A finding as a warning. What to do is shortened only where it leaves too little room to say what is wrong.
fn warning(finding: &Finding) -> String {
    let tail = format!(" [{}]", finding.rule);
    let bound = WARNING - 1 - tail.chars().count();
    // Of the six, two are for the marks of what is cut.
    let Some(room) = bound.checked_sub(finding.path.chars().count() + 6).filter(|room| *room > 2 * WRONG) else {
        return shortened(&finding.to_string(), bound) + &tail;
    };
    let message = shortened(&finding.message, room.saturating_sub(finding.fix.chars().count()).max(WRONG));
    let fix = shortened(&finding.fix, (room + 1).saturating_sub(message.chars().count()));
    format!("{}: {message}; {fix}{tail}", finding.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(number: usize, level: Level) -> Finding {
        Finding {
            rule: "storage-on-empty-dir",
            level,
            role: None,
            path: format!("spec.a[{number}]"),
            at: crate::object::FieldPath::of(&["spec", "a"]).index(number),
            value: None,
            origin: "spec".to_owned(),
            message: "it is so, and hurts".repeat(20),
            fix: "do this".to_owned(),
            replacement: None,
            exception: None,
            shared: None,
        }
    }

    #[test]
    fn a_denial_has_at_most_ten_lines_and_says_how_many_are_left() {
        let decision = Decision::of(&(0..30).map(|number| finding(number, Level::Deny)).collect::<Vec<_>>());
        let lines: Vec<&str> = decision.message.lines().collect();
        assert_eq!((decision.allowed, lines.len(), decision.causes.len()), (false, 10, 30));
        assert!(lines.last().unwrap().starts_with("and 22 more"), "{}", decision.message);
        assert_eq!(Decision::of(&[finding(0, Level::Deny)]).message.lines().count(), 2);
    }

    #[test]
    fn an_exception_is_told_to_the_audit() {
        let exception = Some("a demo".to_owned());
        let decision = Decision::of(&[Finding { exception, ..finding(0, Level::Warn) }, finding(1, Level::Warn)]);
        let told = decision.audit.get("exceptions").map(String::as_str);
        assert_eq!((decision.allowed, told), (true, Some("storage-on-empty-dir: spec.a[0]: a demo")));
    }

    #[test]
    fn a_long_warning_still_says_what_to_do() {
        let long = finding(0, Level::Warn);
        let said = warning(&long);
        assert!(
            said.starts_with("spec.a[0]: it is so") && said.ends_with("…; do this [storage-on-empty-dir]"),
            "{said}"
        );
        let short = Finding { message: "it hurts".to_owned(), ..long.clone() };
        assert_eq!(warning(&short), "spec.a[0]: it hurts; do this [storage-on-empty-dir]");
        let both = Finding { fix: "do this ".repeat(100), ..long.clone() };
        assert!(warning(&both).contains("…; do this do this"), "{}", warning(&both));
        let all = Finding { path: "spec.a".repeat(100), ..both.clone() };
        for finding in [long, short, both, all] {
            assert!(warning(&finding).chars().count() <= WARNING, "{}", warning(&finding));
        }
    }

    #[test]
    fn warnings_keep_within_what_the_api_server_passes_on() {
        let mut decision = Decision::of(&(0..100).map(|number| finding(number, Level::Warn)).collect::<Vec<_>>());
        decision.warn(&"of a long policy ".repeat(100));
        assert!(decision.allowed && decision.message.is_empty());
        assert!(decision.warnings.iter().all(|warning| warning.chars().count() <= 256));
        assert!(decision.warnings.iter().map(|warning| warning.chars().count()).sum::<usize>() <= 4096);
        assert!(decision.warnings.last().unwrap().contains("more warnings"));
    }
}
