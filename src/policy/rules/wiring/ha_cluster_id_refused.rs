//! `ha-cluster-id-refused`: an id of which no directory can be made.

use crate::flink::cluster::{HighAvailability, Shape};
use crate::flink::options::HA_CLUSTER_ID;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "ha-cluster-id-refused",
    failure: "B18b",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "A standalone cluster with HA sets `high-availability.cluster-id` to a blank or to `/`.",
        why: "Flink puts the id behind the storageDir, and of a blank it makes no path: JobManager and TaskManagers end with `Cannot create cluster high available storage path 's3://state/ha/'. This indicates that an invalid cluster id (high-availability.cluster-id) has been specified` (executed with 1.20.5 and 2.3.0). An argument `-D high-availability.cluster-id=`, as a template without its value leaves it, counts above whatever stands in a file.",
        limits: "A blank value in `flink-conf.yaml` is a line that Flink skips, and is none. Blanks alone are a warning: a path is made of them, which nobody means. The operator and native mode set the option themselves.",
        example: "containers:\n- name: jobmanager\n  args: [jobmanager, $(POD_IP), -D, high-availability.cluster-id=]",
        fix: "Remove it, or give it a value of the cluster's own, as in `/payments/card-limits`, the same for JobManager and TaskManagers.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let cluster = case.cluster;
    let is_on = matches!(cluster.high_availability().0, HighAvailability::Kubernetes | HighAvailability::ZooKeeper);
    let Some(view) = cluster.leading().filter(|_| is_on && cluster.shape == Shape::Raw) else { return Vec::new() };
    let Some((key, setting)) = view.config.option(HA_CLUSTER_ID, cluster.version) else { return Vec::new() };
    if !setting.trimmed().trim_matches('/').is_empty() {
        return Vec::new();
    }
    let is_refused = setting.value.bytes().all(|byte| byte == b'/');
    let said = if setting.trimmed().is_empty() { "is blank".to_owned() } else { format!("is `{}`", setting.trimmed()) };
    let message = if is_refused {
        format!(
            "`{key}` {said}, of which Flink makes no directory below the storageDir, so the {} does not start",
            view.role
        )
    } else {
        format!("`{key}` {said}, so the HA metadata are in a directory of blanks")
    };
    let fix = format!("remove it, or set it to a value of this cluster's own, as in `/{}/<cluster>`", case.namespace);
    let violation = Violation::at_setting(setting, message, fix).of_role(view.role);
    vec![if is_refused && view.unknown.is_none() { violation } else { violation.uncertain() }]
}
