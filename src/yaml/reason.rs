//! The parser's refusals in words for the author of a manifest.

use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, MessageFormatter, UserMessageFormatter};

use super::value::MAX_DEPTH;
use super::{MAX_NODES, MAX_SCALAR_BYTES};

/// Why `error` refuses a document, without the position.
pub(super) fn reason(error: &Error) -> String {
    match error {
        Error::WithSnippet { error, .. } | Error::AliasError { error, .. } => reason(error),
        Error::Budget { breach, .. } => exceeded(breach),
        Error::RecursiveReferencesRequireWeakTypes { .. } => "an alias refers to a node that contains it".to_owned(),
        Error::NonFiniteFloat { .. } => NOT_FINITE.to_owned(),
        other => match UserMessageFormatter.format_message(other).as_ref() {
            // The scanner's own bound on flow collections, which it meets before ours.
            "recursion limit exceeded" => too_deep(),
            words => words.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect(),
        },
    }
}

fn exceeded(breach: &BudgetBreach) -> String {
    match breach {
        BudgetBreach::Depth { .. } => too_deep(),
        BudgetBreach::Events { .. } | BudgetBreach::Nodes { .. } => {
            format!("the document holds more than {MAX_NODES} values when its aliases are expanded")
        }
        BudgetBreach::ScalarBytes { .. } => {
            let mebibytes = MAX_SCALAR_BYTES / (1024 * 1024);
            format!("the document holds more than {mebibytes} MiB of text when its aliases are expanded")
        }
        _ => "its anchors, aliases and merges expand to more than any manifest needs".to_owned(),
    }
}

pub(super) fn too_deep() -> String {
    format!("mappings and lists are nested more than {MAX_DEPTH} deep")
}

/// What JSON, and so the API server, has no word for.
pub(super) const NOT_FINITE: &str = "infinity and not-a-number cannot be sent to the API server; put it in quotes";
