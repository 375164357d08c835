//! `fs-group-missing`: a claim that Flink's user may not be allowed to write.

use crate::flink::pod::Source;
use crate::object::at;
use crate::policy::finding::{Level, Role};
use crate::policy::rules::{Case, Page, Rule, Violation, storage};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "fs-group-missing",
    failure: "B9",
    strict: Level::Warn,
    baseline: Level::Audit,
    page: Page {
        what: "A directory of state lies on a claim, and the pod has no `securityContext.fsGroup`.",
        why: "New volumes belong to root with mode 0755, Flink runs as user 9999: `Mkdirs failed to create`, `Permission denied`.",
        limits: "NFS, EFS and statically provisioned CephFS ignore `fsGroup`; there the export must belong to uid 9999. On OpenShift the namespace's own range is used, so nothing is said there.",
        example: "spec:\n  podTemplate:\n    spec: {…}   # a claim, and no securityContext.fsGroup",
        fix: "Set `securityContext.fsGroup: 9999` and `fsGroupChangePolicy: OnRootMismatch` on the pod; the completing remedy does so.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let namespace = case.facts.answer(&crate::facts::FactKey::Namespace(case.namespace.to_owned()));
    if crate::policy::has_openshift_range(namespace) {
        return Vec::new();
    }
    let mut violations: Vec<Violation> = Vec::new();
    for placement in storage::placements(case.cluster) {
        for (role, backing) in &placement.backings {
            if violations.iter().any(|known| known.role == Some(*role)) {
                continue;
            }
            violations.extend(missing(case, &placement, *role, backing));
        }
    }
    violations
}

fn missing(
    case: &Case<'_>,
    placement: &storage::Placement<'_>,
    role: Role,
    backing: &crate::flink::pod::Backing,
) -> Option<Violation> {
    let volume = storage::volume(backing)?;
    let Source::Claim(claim) = &volume.source else { return None };
    let pod = &case.cluster.role(role)?.pod;
    if at(&pod.template, &["spec", "securityContext", "fsGroup"]).is_some() {
        return None;
    }
    let message = format!(
        "in the {role} `{}` is on claim `{claim}` and the pod sets no `fsGroup`, so Flink's user 9999 may not be allowed to write there",
        placement.key,
    );
    let fix = "set `securityContext.fsGroup: 9999` on the pod template".to_owned();
    Some(placement.violation(role, message, fix))
}
