//! `ha-not-added`: the policy's HA did not fit this cluster.

use crate::inject::Shortfall;
use crate::policy::finding::{Finding, Level};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "ha-not-added",
    failure: "P1",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "The policy wants HA on this cluster, and a piece that it needs is missing: a storageDir, a quorum, a name, a form that this Flink version accepts, a command to which options can be added.",
        why: "Half of an HA configuration is worse than none, so nothing was added and the cluster stays without HA.",
        limits: "Only said under `mutation: true`: a policy that changes nothing promises nothing. Of a cluster that a shell's text starts, or an `env` that sets variables of Flink's, it cannot be seen whether these bring HA; nothing is said where the command mentions `high-availability`.",
        example: "kind: FlinkPolicy\nspec:\n  highAvailability: {mode: kubernetes}   # and no storageDir, here or in the cluster",
        fix: "Supply what the finding names, in the policy or in the cluster.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let of_shortfall = |shortfall: &Shortfall| match shortfall {
        Shortfall::HighAvailability { path, missing, remedy, .. } => Some(Violation::at_field(
            path.clone(),
            None,
            // The reason first: a warning may be cut after a few words.
            format!("HA was not added, since {missing} (policy `{}` wants HA)", case.policy.name),
            remedy.clone(),
        )),
        Shortfall::Volume { .. } => None,
    };
    case.shortfalls.iter().filter_map(of_shortfall).collect()
}

/// Takes the finding out of `findings` where a denial gives the same reason, as it stands in `shortfalls`: one cause is one
/// finding.
pub(in crate::policy::rules) fn leave_to_denials(findings: &mut Vec<Finding>, shortfalls: &[Shortfall]) {
    let denials: Vec<String> =
        findings.iter().filter(|finding| finding.level == Level::Deny).map(|finding| finding.message.clone()).collect();
    let is_reason = |shortfall: &Shortfall| match shortfall {
        Shortfall::HighAvailability { missing, .. } => denials.iter().any(|denial| denial.contains(missing)),
        Shortfall::Volume { .. } => false,
    };
    if shortfalls.iter().any(is_reason) {
        findings.retain(|finding| finding.rule != RULE.id);
    }
}
