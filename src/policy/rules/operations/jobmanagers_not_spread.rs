//! `jobmanagers-not-spread`: a standby that dies with its leader.

use crate::flink::spread::unspread;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "jobmanagers-not-spread",
    failure: "D9",
    strict: Level::Audit,
    baseline: Level::Audit,
    page: Page {
        what: "Several JobManagers, and neither `podAntiAffinity` nor `topologySpreadConstraints` in their pods.",
        why: "The scheduler may put leader and standby on one node. When that node goes, both go, and the standby was for nothing.",
        limits: "What the terms select is not looked into. The scheduler's own defaults spread the pods of a Deployment somewhat, where the nodes have room. Where HA is off another rule speaks.",
        example: "spec:\n  jobManager:\n    replicas: 2   # and no affinity in any pod template",
        fix: "Add a preferred `podAntiAffinity` on `kubernetes.io/hostname`. With `optionalRemedies: [jobmanagers-not-spread]` in the policy it is filled in.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let (Some(view), Some((number, _))) = (unspread(case.cluster), &case.cluster.job_managers) else {
        return Vec::new();
    };
    let Some(template) = case.templates(view.role).into_iter().next() else { return Vec::new() };
    let message = format!(
        "there are {number} JobManagers and nothing keeps them apart, so leader and standby may be on one node and go with it together"
    );
    let fix =
        "add a preferred `podAntiAffinity` on `kubernetes.io/hostname`, or `topologySpreadConstraints`".to_owned();
    vec![Violation::at_field(template.keys(&["spec", "affinity"]), None, message, fix).of_role(view.role)]
}
