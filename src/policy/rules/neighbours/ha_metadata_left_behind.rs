//! `ha-metadata-left-behind`: a new cluster that would recover the jobs of an earlier one.

use crate::facts::Listed;
use crate::neighbours::Election;
use crate::neighbours::Footprint;
use crate::object::{FieldPath, name};
use crate::policy::finding::Level;
use crate::policy::rules::neighbours::cluster_identity_taken;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "ha-metadata-left-behind",
    failure: "C13",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "A cluster with Kubernetes HA is created, and HA ConfigMaps with its `kubernetes.cluster-id` are there already: `<id>-cluster-config-map`, `<id>-<job id>-config-map`, and the leader ConfigMaps of Flink up to 1.14.",
        why: "Flink keeps its HA ConfigMaps when a standalone cluster is deleted, and a new cluster with the same id recovers the jobs that they name, with their old configuration and state. That is right for the same cluster deployed anew and wrong for another one of that name.",
        limits: "`flink-config-<id>` has the same labels and is none. It cannot be seen whether the earlier cluster is this one. The offline commands see the ConfigMaps that they are given; a review does not list them yet.",
        example: "kind: ConfigMap\nmetadata: {name: orders-cluster-config-map}\n---\nkind: FlinkDeployment\nmetadata: {name: orders}   # with high-availability.type: kubernetes",
        fix: "If this is a new cluster, delete those ConfigMaps by their names first or take another id; a selector of labels would take more or, for Flink 2, none of them. If it is the same one deployed anew, leave them: its jobs go on.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let config_maps = case.facts.list(Listed::ConfigMaps, case.namespace);
    if !case.is_new || config_maps.is_empty() || case.is_said_by(&cluster_identity_taken::RULE, &RULE) {
        return Vec::new();
    }
    let Some(footprint) = Footprint::of(case.object, case.namespace, case.cluster) else { return Vec::new() };
    let mut ids = footprint.elections.iter().filter_map(|election| match election {
        Election::Kubernetes { id, namespace } if namespace == case.namespace => Some(id),
        _ => None,
    });
    let names: Vec<&str> = config_maps.iter().filter_map(|map| name(map.get("metadata")?)).collect();
    let left = |id: &String| names.iter().find(|name| is_of_ha(name, id)).map(|name| (*name).to_owned());
    let Some((id, left)) = ids.find_map(|id| Some((id, left(id)?))) else { return Vec::new() };
    let message = format!(
        "ConfigMap `{left}` holds the HA metadata of an earlier cluster `{id}`, so this one starts with that one's jobs and state"
    );
    let fix = format!(
        "if this is another cluster, delete the HA ConfigMaps of `{id}` first or take another id; if it is the same one deployed anew, leave them"
    );
    vec![Violation::at_field(FieldPath::of(&["metadata", "name"]), None, message, fix)]
}

/// Whether the ConfigMap `name` holds HA metadata of the cluster `id`.
///
/// Source: Flink `KubernetesHaServices` (1.13, 1.14), `KubernetesLeaderElectionHaServices` (from 1.15).
fn is_of_ha(name: &str, id: &str) -> bool {
    let Some(rest) = name.strip_prefix(id).and_then(|rest| rest.strip_prefix('-')) else { return false };
    let of_job = |suffix: &str| {
        rest.strip_suffix(suffix).is_some_and(|job| job.len() == 32 && job.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let of_cluster = ["cluster-config-map", "dispatcher-leader", "resourcemanager-leader", "restserver-leader"];
    of_cluster.contains(&rest) || of_job("-config-map") || of_job("-jobmanager-leader")
}
