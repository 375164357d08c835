//! `ha-not-added`: the policy's HA did not fit this cluster.

use crate::flink::cluster::HighAvailability;
use crate::inject::Shortfall;
use crate::policy::finding::Level;
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
        limits: "Only said under `mutation: true`: a policy that changes nothing promises nothing. Of a cluster that a shell's text starts it cannot be seen whether that text brings HA; nothing is said where the text mentions `high-availability`.",
        example: "kind: FlinkPolicy\nspec:\n  highAvailability: {mode: kubernetes}   # and no storageDir, here or in the cluster",
        fix: "Supply what the finding names, in the policy or in the cluster.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let is_known = case.cluster.high_availability().0 != HighAvailability::Unknown;
    let stays = if is_known { "the cluster stays" } else { "the cluster, as far as can be seen, stays" };
    let of_shortfall = |shortfall: &Shortfall| match shortfall {
        Shortfall::HighAvailability { path, missing, remedy } => Some(Violation::at_field(
            path.clone(),
            None,
            format!("HA of the policy `{}` was not added and {stays} without HA, since {missing}", case.policy.name),
            remedy.clone(),
        )),
        Shortfall::Volume { .. } => None,
    };
    case.shortfalls.iter().filter_map(of_shortfall).collect()
}
