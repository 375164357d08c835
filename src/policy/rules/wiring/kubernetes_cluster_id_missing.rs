//! `kubernetes-cluster-id-missing`: Kubernetes HA without a name for its ConfigMaps.

use crate::flink::configuration::Setting;
use crate::flink::identity::{CLUSTER_ANNOTATION, is_id};
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
        what: "A standalone cluster with Kubernetes HA does not set `kubernetes.cluster-id`, leaves it blank, or sets it to what no ConfigMap can be called, such as the placeholder `<cluster-id>` of Flink's documentation.",
        why: "The id is the beginning of the names of the HA ConfigMaps. Without it Flink ends at its start: `Configuration option 'kubernetes.cluster-id' is not set`; with a value that is no name the API server refuses the ConfigMap and no JobManager becomes leader. `high-availability.cluster-id` is another option. In `flink-conf.yaml` a line without a blank behind the colon is ignored; a session JobManager takes `-Dkubernetes.cluster-id=…` in one word for its host.",
        limits: "Where the configuration cannot be read whole, nothing is said. The operator and native mode set the option themselves.",
        example: "kind: ConfigMap\ndata:\n  flink-conf.yaml: |\n    high-availability.type: kubernetes\n    kubernetes.cluster-id:fx   # no blank, so it is not read",
        fix: "Set `kubernetes.cluster-id` to the same value for JobManager and TaskManagers. The completing remedy derives it from the annotation `flink-admission.io/cluster-id`, or from the JobManager's address and the object's name without their role words.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = raw_with_kubernetes_ha(case).filter(|view| view.unknown.is_none()) else { return Vec::new() };
    if view.config.value(KUBERNETES_CLUSTER_ID, case.cluster.version).is_some() {
        let no_name = unnameable(case).map(|(_, setting)| violation_of_name(setting).of_role(view.role));
        return no_name.into_iter().collect();
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

/// The id where it is set, and Kubernetes takes no such name.
pub(super) fn unnameable<'a>(case: &Case<'a>) -> Option<(&'a str, &'a Setting)> {
    let view = raw_with_kubernetes_ha(case)?;
    let (key, setting) = view.config.option(KUBERNETES_CLUSTER_ID, case.cluster.version)?;
    let id = setting.trimmed();
    (!id.is_empty() && !id.contains('$') && !is_id(id)).then_some((key, setting))
}

fn violation_of_name(setting: &Setting) -> Violation {
    let id = setting.trimmed();
    let message = format!(
        "`{id}` cannot be part of a name in Kubernetes, so the HA ConfigMaps are refused and no JobManager becomes leader"
    );
    let fix = "write small letters, digits, `-` and `.`, 63 at most and first and last a letter or digit, the same for JobManager and TaskManagers".to_owned();
    Violation::at_setting(setting, message, fix)
}
