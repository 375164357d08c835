//! What is printed: the same findings for people and for programs.

pub mod diff;
pub mod explain;
pub mod findings;
pub mod fingerprint;
pub mod github;
pub mod json;
pub mod junit;
pub mod paint;
pub mod rule;
pub mod sarif;
mod snippet;
pub mod text;

use std::borrow::Cow;

use crate::flink::sensitive;
use crate::policy::{Finding, Level};

/// The word for the verdict of an object.
fn verdict_word(verdict: Option<Level>) -> &'static str {
    verdict.map_or("allow", Level::word)
}

/// The value of a finding; that of a credential is hidden.
fn shown_value(finding: &Finding) -> Option<&str> {
    finding.value.as_deref().map(|value| masked(&finding.path, value))
}

/// `value`, or what stands for it when `key` is one of a credential.
fn masked<'a>(key: &str, value: &'a str) -> &'a str {
    // `automountServiceAccountToken: false` tells nothing.
    // Nor does the name of a Secret and where it is mounted.
    let is_secret = sensitive::is_sensitive(key) && key != "kubernetes.secrets" && !matches!(value, "true" | "false");
    if is_secret { sensitive::HIDDEN } else { value }
}

/// `text` without characters that a terminal would obey: a manifest may come from a stranger.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_unsafe) {
        text.chars().map(|c| if is_unsafe(c) { '\u{fffd}' } else { c }).collect()
    } else {
        text.into()
    }
}

/// Control characters, and the marks that turn the direction of writing.
fn is_unsafe(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Where the page of the rule `id` stands: in the repository, where the package names one.
fn link(id: &str) -> String {
    let (repository, version) = (env!("CARGO_PKG_REPOSITORY"), env!("CARGO_PKG_VERSION"));
    if repository.is_empty() {
        format!("docs/rules.md#{id}")
    } else {
        format!("{repository}/blob/v{version}/docs/rules.md#{id}")
    }
}

/// Where people find the page of the rule `id`: at an address, or by a command that works wherever the program does.
fn page(id: &str) -> String {
    if env!("CARGO_PKG_REPOSITORY").is_empty() { format!("flink-admission explain {id}") } else { link(id) }
}

/// `1 object`, `2 objects`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_told_nothing_by_a_manifest() {
        assert_eq!(plain("a\u{1b}[31mb\n\u{202e}c"), "a\u{fffd}[31mb\n\u{fffd}c");
        assert!(matches!(plain("as it is\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn values_of_credentials_are_hidden() {
        assert_eq!(masked("spec.flinkConfiguration[\"s3.secret-key\"]", "abc"), "***");
        assert_eq!(masked("spec.flinkConfiguration[\"s3.endpoint\"]", "abc"), "abc");
        assert_eq!(masked("spec.automountServiceAccountToken", "false"), "false");
    }
}
