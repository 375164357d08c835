//! `volume-conflict`: the policy's mount path is taken.

use crate::inject::Shortfall;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "volume-conflict",
    failure: "P3",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "A volume of the policy was not mounted: another volume that is not a claim is mounted at its path, or the pod templates have no place for it.",
        why: "What the platform expects to outlive the pod at that path does not.",
        limits: "A claim at the path is taken for the user's choice and left alone, as is a volume of the policy's name.",
        example: "spec:\n  podTemplate:\n    spec:\n      volumes:\n      - {name: scratch, emptyDir: {}}   # mounted at /flink-data, where the policy has a claim",
        fix: "Mount the other volume elsewhere, or put the data on a claim.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    case.shortfalls.iter().filter_map(|shortfall| violation(case, shortfall)).collect()
}

fn violation(case: &Case<'_>, shortfall: &Shortfall) -> Option<Violation> {
    let Shortfall::Volume { path, role, mount_path, claim, reason, remedy } = shortfall else { return None };
    let message = format!(
        "in the {role} the claim `{claim}` of the policy `{}` was not mounted at `{mount_path}`, since {reason}",
        case.policy.name
    );
    Some(Violation::at_field(path.clone(), None, message, remedy.clone()).of_role(*role))
}
