//! `taskmanager-service-account-missing`: TaskManagers that may not read where their leader is.

use crate::flink::cluster::HighAvailability;
use crate::flink::deployment::{makes_its_account, walk};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::account::rights::has_kubeconfig;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "taskmanager-service-account-missing",
    failure: "A2",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "A cluster with Kubernetes HA runs its TaskManagers without a ServiceAccount of their own: none, or `default`.",
        why: "TaskManagers watch the ConfigMap in which the leader stands. The namespace's default account may rarely read it: `cannot watch resource \"configmaps\"`, the TaskManagers never register and jobs wait for slots. The manifests in Flink's documentation name an account for the JobManager alone.",
        limits: "Somebody may have given the default account the rights. Where the whole cluster has no account, `service-account-missing` says so. A kubeconfig (`KUBECONFIG`, `kubernetes.config.file`) brings an identity of its own; then nothing is said.",
        example: "kind: Deployment   # args: [taskmanager], and a configuration with Kubernetes HA\nspec:\n  template:\n    spec: {…}   # no serviceAccountName",
        fix: "Name the JobManager's account, or one that may list and watch ConfigMaps; with `serviceAccount` in the policy it is filled in.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.role(Role::TaskManager) else { return Vec::new() };
    let job_manager = case.cluster.role(Role::JobManager);
    if case.cluster.high_availability().0 != HighAvailability::Kubernetes
        || view.account.0.is_some()
        // The JobManager's missing account is found by another rule, and mostly it is the same field.
        || job_manager.is_some_and(|view| view.account.0.is_none())
        || makes_its_account(case.object, &case.spec())
        || has_kubeconfig(view)
    {
        return Vec::new();
    }
    let path = view.account.1.clone();
    let value = walk(case.object, &path).and_then(|value| value.as_str()).map(str::to_owned);
    let message = "the TaskManagers run under the namespace's default ServiceAccount, which may rarely read the ConfigMaps of Kubernetes HA, and without them they never find the JobManager".to_owned();
    let fix = job_manager.and_then(|view| view.account.0.as_ref()).map_or_else(
        || "name the JobManager's ServiceAccount, or one that may list and watch ConfigMaps".to_owned(),
        |account| {
            format!("name `{account}`, the JobManager's, or another ServiceAccount that may list and watch ConfigMaps")
        },
    );
    vec![Violation::at_field(path, value, message, fix).of_role(Role::TaskManager)]
}
