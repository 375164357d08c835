//! `kubernetes-cluster-id-missing`: Kubernetes HA without a name for its ConfigMaps.

use crate::flink::identity::CLUSTER_ANNOTATION;
use crate::flink::options::KUBERNETES_CLUSTER_ID;
use crate::policy::finding::Level;
use crate::policy::rules::wiring::{Absence, raw_with_kubernetes_ha};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "kubernetes-cluster-id-missing",
    failure: "C11",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "A standalone cluster with Kubernetes HA does not set `kubernetes.cluster-id`, or leaves it blank.",
        why: "The id is the beginning of the names of the HA ConfigMaps. Without it Flink ends at its start: `Configuration option 'kubernetes.cluster-id' is not set`. `high-availability.cluster-id` is another option. In `flink-conf.yaml` a line without a blank behind the colon is ignored; a session JobManager takes `-Dkubernetes.cluster-id=…` in one word for its host.",
        limits: "Where the configuration cannot be read whole, nothing is said. The operator and native mode set the option themselves.",
        example: "kind: ConfigMap\ndata:\n  flink-conf.yaml: |\n    high-availability.type: kubernetes\n    kubernetes.cluster-id:fx   # no blank, so it is not read",
        fix: "Set `kubernetes.cluster-id` to the same value for JobManager and TaskManagers. The completing remedy derives it from the annotation `flink-admission.io/cluster-id`, or from the object's name without its role word.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = raw_with_kubernetes_ha(case).filter(|view| view.unknown.is_none()) else { return Vec::new() };
    if view.config.value(KUBERNETES_CLUSTER_ID, case.cluster.version).is_some() {
        return Vec::new();
    }
    let absence = Absence::of(case.cluster, view, KUBERNETES_CLUSTER_ID);
    let message = format!("{}, and with Kubernetes HA the {} does not start without that id", absence.said, view.role);
    let fills_in = case.policy.may_change() && case.policy.spec.complete;
    let fix = absence.fix.unwrap_or_else(|| {
        let or = if fills_in { format!(", or the annotation `{CLUSTER_ANNOTATION}`,") } else { String::new() };
        format!("set `{KUBERNETES_CLUSTER_ID}`{or} to the same value for JobManager and TaskManagers")
    });
    vec![Violation::at_field(absence.path, None, message, fix).of_role(view.role)]
}
