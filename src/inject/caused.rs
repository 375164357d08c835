//! Which findings come from what was filled in.
//!
//! A finding that the author had anyway is none of them, also where our words came to stand before the word that it is
//! about: `args[1]` of the author's is `args[7]` then.

use std::borrow::Borrow;

use crate::inject::{Injected, Work};
use crate::object::{FieldPath, place_before};
use crate::policy::rules;
use crate::policy::{Finding, Level};

/// Those of `findings`, made on `is`, that were not there before, when the work was what `was` gives, and that refuse the
/// object or warn of a value of `ours`.
pub(super) fn among<'a, W: Borrow<Work<'a>>>(
    findings: &[Finding],
    ours: &[Injected],
    is: &Work<'a>,
    was: impl FnOnce() -> W,
) -> Vec<Finding> {
    let ours: Vec<String> = ours.iter().filter_map(Injected::path).map(|path| path.to_string()).collect();
    let counts = |finding: &&Finding| {
        let is_of_ours = finding.level == Level::Warn && ours.contains(&finding.path);
        finding.level == Level::Deny || is_of_ours || rules::is_denied_by_strict(finding.rule)
    };
    let mut caused: Vec<Finding> = findings.iter().filter(counts).cloned().collect();
    if !caused.is_empty() {
        let was = was();
        let was = was.borrow();
        let before = was.findings();
        let is_there = |finding: &Finding, at: &FieldPath| {
            let is_same = |other: &Finding| (other.rule, other.role, &other.at) == (finding.rule, finding.role, at);
            // What was a warning without HA and is a denial with it comes from what was filled in.
            before.iter().any(|other| is_same(other) && other.level >= finding.level)
        };
        let was_there = |finding: &Finding| {
            let (at, is_whole) = place_before(was.edits.document(), is.edits.document(), &finding.at);
            is_whole && is_there(finding, &at)
        };
        caused.retain(|finding| !was_there(finding));
    }
    caused
}
