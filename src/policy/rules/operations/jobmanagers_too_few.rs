//! `jobmanagers-too-few`: fewer JobManagers than the platform wants.

use crate::policy::finding::Level;
use crate::policy::rules::operations::highly_available;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "jobmanagers-too-few",
    failure: "P4",
    strict: Level::Audit,
    baseline: Level::Audit,
    page: Page {
        what: "A cluster with HA has fewer JobManagers than the policy's `highAvailability.minJobManagers`: `spec.jobManager.replicas` of a FlinkDeployment, `spec.replicas` of a Deployment or StatefulSet, `spec.parallelism` of a Job.",
        why: "A standby takes over within seconds. Without one the cluster waits until Kubernetes has a new pod, its image and a node for it.",
        limits: "It is a remark: replicas are never written, since a rolling standby costs resources that only its owner can give. TaskManagers are not counted.",
        example: "kind: FlinkPolicy\nspec:\n  highAvailability:\n    minJobManagers: 2\n---\nkind: FlinkDeployment\nspec:\n  jobManager:\n    replicas: 1",
        fix: "Raise the number of JobManagers.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let least = i64::from(case.policy.spec.high_availability.min_job_managers);
    let (Some(_), Some((number, path))) = (highly_available(case), &case.cluster.job_managers) else {
        return Vec::new();
    };
    // A cluster that is scaled to none is not meant to run.
    if *number >= least || *number <= 0 {
        return Vec::new();
    }
    let message = format!(
        "the cluster has {number} of the {least} JobManagers that the policy wants, so after a failure its jobs wait until a new pod has started"
    );
    let fix = format!("raise it to {least}");
    vec![Violation::at_field(path.clone(), Some(number.to_string()), message, fix)]
}
