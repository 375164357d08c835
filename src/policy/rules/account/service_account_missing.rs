//! `service-account-missing`: Kubernetes HA under everybody's account.

use crate::flink::cluster::HighAvailability;
use crate::flink::deployment::{makes_its_account, walk};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::operations::flink_deployment_refused::{self, NO_ACCOUNT};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "service-account-missing",
    failure: "A1",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "A cluster with Kubernetes HA runs its JobManager without a ServiceAccount of its own: none, or `default`.",
        why: "Kubernetes HA keeps its leader and its pointers in ConfigMaps. The namespace's default account may rarely write them: `configmaps is forbidden`, and the JobManager restarts for ever. A FlinkDeployment without `serviceAccount` is refused by Apache's operator: `spec.serviceAccount must be defined.`",
        limits: "Somebody may have given the default account the rights. Amazon EMR makes the account itself, from `executionRoleArn`; then nothing is said.",
        example: "spec:\n  serviceAccount: default\n  flinkConfiguration:\n    high-availability.type: kubernetes",
        fix: "Name an account that may get, list, watch, create, update, patch and delete ConfigMaps; with `serviceAccount` in the policy it is filled in.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.role(Role::JobManager) else { return Vec::new() };
    let spec = case.spec();
    if case.cluster.high_availability().0 != HighAvailability::Kubernetes
        || view.account.0.is_some()
        || makes_its_account(case.object, &spec)
    {
        return Vec::new();
    }
    if flink_deployment_refused::lacks_account(case) {
        let message = format!("{NO_ACCOUNT}, and Kubernetes HA needs an account that may write ConfigMaps");
        let fix =
            "name a ServiceAccount that may make pods and write ConfigMaps, such as `flink` of the operator's chart";
        return vec![Violation::at_field(spec.key("serviceAccount"), None, message, fix.to_owned())];
    }
    let path = view.account.1.clone();
    let value = walk(case.object, &path).and_then(|value| value.as_str()).map(str::to_owned);
    let message = "the JobManager runs under the namespace's default ServiceAccount, which may rarely write the ConfigMaps of Kubernetes HA, and without them it restarts for ever".to_owned();
    let fix = "name a ServiceAccount that may get, list, watch, create, update, patch and delete ConfigMaps".to_owned();
    vec![Violation::at_field(path, value, message, fix).of_role(Role::JobManager)]
}
