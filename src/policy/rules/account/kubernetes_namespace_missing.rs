//! `kubernetes-namespace-missing`: HA ConfigMaps in the namespace `default`.

use crate::facts::Answer;
use crate::flink::defaults;
use crate::flink::options::KUBERNETES_NAMESPACE;
use crate::inject;
use crate::policy::finding::Level;
use crate::policy::rules::wiring::{Absence, raw_with_kubernetes_ha};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "kubernetes-namespace-missing",
    failure: "A5",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "A standalone cluster with Kubernetes HA, outside of the namespace `default`, does not set `kubernetes.namespace`.",
        why: "A standalone cluster does not look which namespace it runs in: the option's default is the namespace `default`. There the ServiceAccount has no rights (`cannot list resource \"configmaps\" in API group \"\" in the namespace \"default\"`, and the JobManager ends with exit code 1; executed with 2.3.0), or the cluster meets others of its name.",
        limits: "Where the configuration cannot be read whole, nothing is said. The operator and native mode set the option themselves.",
        example: "kind: ConfigMap\nmetadata: {namespace: payments}\ndata:\n  flink-conf.yaml: |\n    high-availability.type: kubernetes   # and no kubernetes.namespace",
        fix: "Set `kubernetes.namespace` to the cluster's namespace, for JobManager and TaskManagers; the completing remedy gives it as an argument.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = raw_with_kubernetes_ha(case).filter(|view| view.unknown.is_none()) else { return Vec::new() };
    let namespace = case.namespace;
    if namespace == defaults::KUBERNETES_NAMESPACE
        || view.config.value(KUBERNETES_NAMESPACE, case.cluster.version).is_some()
    {
        return Vec::new();
    }
    let absence = Absence::of(case.cluster, view, KUBERNETES_NAMESPACE);
    let is_blank = view.config.option(KUBERNETES_NAMESPACE, case.cluster.version).is_some();
    let elsewhere = if is_blank { "" } else { " but in the namespace `default`" };
    let message = format!(
        "{}, so the {} does not look for the HA ConfigMaps in `{namespace}`{elsewhere}, without rights or among other clusters",
        absence.said, view.role
    );
    let fix = absence.fix.unwrap_or_else(|| format!("set `{KUBERNETES_NAMESPACE}: {namespace}`"));
    let violation = Violation::at_field(absence.path, None, message, fix).of_role(view.role);
    // Where its HA metadata is there, it has the rights.
    let metadata = inject::metadata_of(case.cluster).map(|key| case.facts.answer(&key));
    vec![if matches!(metadata, Some(Answer::Known(_))) { violation.uncertain() } else { violation }]
}
