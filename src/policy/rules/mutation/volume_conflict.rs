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
        what: "A volume of the policy was not mounted, because another volume that is not a claim is mounted at its path.",
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
    let Shortfall::Volume { path, role, mount_path, claim, taken_by } = shortfall else { return None };
    let policy = &case.policy.name;
    let (message, fix) = match taken_by {
        Some(volume) => (
            format!(
                "in the {role} {volume} is mounted at `{mount_path}`, where the policy `{policy}` wants the claim `{claim}`, so the claim was not mounted"
            ),
            format!("mount it at another path, or use a PersistentVolumeClaim at `{mount_path}`"),
        ),
        None => (
            format!(
                "in the {role} the policy `{policy}` wants the claim `{claim}` at `{mount_path}`, and these pod templates take it nowhere without a change of something else, so it was not mounted"
            ),
            format!("mount the claim `{claim}` at `{mount_path}` in the pod template yourself"),
        ),
    };
    Some(Violation::at_field(path.clone(), taken_by.clone(), message, fix).of_role(*role))
}
