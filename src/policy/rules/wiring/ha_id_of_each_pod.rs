//! `ha-id-of-each-pod`: an id of the cluster that every pod makes anew.

use crate::flink::cluster::{HighAvailability, Shape};
use crate::flink::options::{HA_CLUSTER_ID, KUBERNETES_CLUSTER_ID};
use crate::object::{list, named, text};
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "ha-id-of-each-pod",
    failure: "C11b",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "A standalone role with HA sets `kubernetes.cluster-id` or `high-availability.cluster-id` to a variable that differs for each pod: its name, uid or IP.",
        why: "Under that id a JobManager keeps the jobs and finds them again. The pod that replaces it has another one: it starts as a new cluster, without the jobs, and TaskManagers look for their leader elsewhere still.",
        limits: "The pods of a StatefulSet keep their names, so a name is no fault there. A variable whose source is not a field of the pod is not judged.",
        example: "kind: Deployment\nargs: [jobmanager, -D, high-availability.type=kubernetes, -D, kubernetes.cluster-id=$(POD_NAME)]\nenv:\n- name: POD_NAME\n  valueFrom: {fieldRef: {fieldPath: metadata.name}}",
        fix: "Write an id of the cluster's own, the same for all of its pods.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let cluster = case.cluster;
    let mode = cluster.high_availability().0;
    let options: &[&str] = match mode {
        HighAvailability::Kubernetes => &[KUBERNETES_CLUSTER_ID, HA_CLUSTER_ID],
        HighAvailability::ZooKeeper => &[HA_CLUSTER_ID],
        _ => return Vec::new(),
    };
    let Some(view) = cluster.leading().filter(|_| cluster.shape == Shape::Raw) else { return Vec::new() };
    let is_set = text(case.object, &["kind"]) == Some("StatefulSet");
    let differs = |variable: &str| {
        let declared = view.pod.container().and_then(|container| named(list(container, &["env"]), variable));
        let field = declared.and_then(|(_, declared)| text(declared, &["valueFrom", "fieldRef", "fieldPath"]));
        match field {
            Some("metadata.name") => !is_set,
            Some("metadata.uid" | "status.podIP" | "status.podIPs") => true,
            _ => false,
        }
    };
    let violation = |option: &&str| {
        let (key, setting) = view.config.option(option, cluster.version)?;
        let variable =
            setting.value.split("$(").skip(1).filter_map(|rest| rest.split(')').next()).find(|v| differs(v))?;
        let message = format!(
            "`{key}` has `$({variable})` in it, which differs for each pod, so the JobManager that replaces this one does not find its jobs"
        );
        let fix = "write an id of the cluster's own, the same for all of its pods".to_owned();
        Some(Violation::at_setting(setting, message, fix).of_role(view.role))
    };
    options.iter().filter_map(violation).take(1).collect()
}
