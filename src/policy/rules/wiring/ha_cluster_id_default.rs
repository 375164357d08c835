//! `ha-cluster-id-default`: a standalone cluster in the directory that all others have too.

use crate::flink::cluster::{HighAvailability, Shape};
use crate::flink::options::HA_CLUSTER_ID;
use crate::policy::finding::Level;
use crate::policy::rules::wiring::Absence;
use crate::policy::rules::wiring::kubernetes_cluster_id_missing::{self, unnameable};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "ha-cluster-id-default",
    failure: "B18",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "A standalone cluster with HA does not set `high-availability.cluster-id`, or sets it to the default `/default`.",
        why: "A standalone cluster does not derive the option from `kubernetes.cluster-id`: every one without it works in `<storageDir>/default`, in ZooKeeper below `<root>/default`, and gives its job the same fixed id. The clean stop of one cluster deletes the other's files, or a job is taken for finished; where they share a checkpoint directory, a checkpoint of the one removes that of the other with its number, which then never starts again: `FileNotFoundException: …/chk-6/…` (executed with two application clusters of 1.20.5 and 2.3.0).",
        limits: "A cluster that is alone in its storageDir is harmed by none of this; it cannot be seen from one object. The operator and native mode set the option themselves.",
        example: "kind: ConfigMap\ndata:\n  flink-conf.yaml: |\n    high-availability.type: kubernetes\n    high-availability.storageDir: s3://state/ha   # and no high-availability.cluster-id",
        fix: "Set `high-availability.cluster-id` to a value of the cluster's own, as in `/payments/card-limits`, for JobManager and TaskManagers. On a running cluster stop with a savepoint first: the old directory is not found any more. The completing remedy gives it to new clusters as an argument; not to one that may have run and would not find its state any more, which is one with a ZooKeeper quorum of its author's, or with a `kubernetes.cluster-id` unless it is known that it has no HA ConfigMap (`<id>-cluster-config-map`), which the offline commands see in their input.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let cluster = case.cluster;
    let is_on = matches!(cluster.high_availability().0, HighAvailability::Kubernetes | HighAvailability::ZooKeeper);
    let Some(view) = cluster.leading().filter(|_| is_on && cluster.shape == Shape::Raw) else { return Vec::new() };
    let fix = format!(
        "set `{HA_CLUSTER_ID}` to a value of this cluster's own, as in `/{}/<cluster>`; if it has run, stop it with a savepoint first",
        case.namespace
    );
    match cluster.leading().and_then(|view| view.config.option(HA_CLUSTER_ID, cluster.version)) {
        Some((key, setting)) if setting.trimmed().trim_matches('/') == "default" => {
            let message = format!(
                "`{key}` is the default, which all clusters without an id of their own share, so one may delete the other's HA metadata"
            );
            vec![Violation::at_setting(setting, message, fix).of_role(view.role)]
        }
        Some(_) => Vec::new(),
        None if view.unknown.is_some() => Vec::new(),
        // With an id that can be one this one is derived from it.
        None if case.is_said_by(&kubernetes_cluster_id_missing::RULE, &RULE) && unnameable(case).is_some() => {
            Vec::new()
        }
        None => {
            let absence = Absence::of(cluster, view, HA_CLUSTER_ID);
            let message = format!(
                "{}, so the cluster shares the default `/default` with all others that set none, and one may delete the other's HA metadata",
                absence.said
            );
            vec![Violation::at_field(absence.path, None, message, absence.fix.unwrap_or(fix)).of_role(view.role)]
        }
    }
}
