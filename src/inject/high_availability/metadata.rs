//! What a cluster has left of an earlier life, which it finds under its old ids only.

use super::is_set;
use crate::facts::{Answer, FactKey, Facts};
use crate::flink::cluster::{Cluster, HighAvailability, Shape};
use crate::flink::defaults;
use crate::flink::identity::is_id;
use crate::flink::options::{HA_TYPE, KUBERNETES_CLUSTER_ID, KUBERNETES_NAMESPACE, ZOOKEEPER_QUORUM};
use crate::inject::Work;
use crate::policy::HaMode;

/// Whether a cluster of this description can have run, and would not find its state or its other role under another id.
///
/// ZooKeeper's paths have the id in them, an application's job id is made of it from 1.16 on, and the jars of a session are
/// below it: created anew under another id its JobManager ends with `Could not start recovered job` (executed with 1.20.5).
/// Sources: Flink `ZooKeeperUtils.generateZookeeperPath`, `ApplicationDispatcherBootstrap`, `BlobUtils`.
pub(super) fn may_have_state(work: &Work<'_>, cluster: &Cluster, mode: HaMode) -> bool {
    is_set(cluster, HA_TYPE)
        && match mode {
            HaMode::Zookeeper => is_set(cluster, ZOOKEEPER_QUORUM),
            HaMode::Kubernetes => {
                metadata(work.target.facts, cluster).is_some_and(|metadata| *metadata != Answer::Absent)
            }
        }
}

/// What is known of the HA metadata that a cluster with its author's `kubernetes.cluster-id` has if it has run.
pub(super) fn metadata<'a>(facts: &'a Facts, cluster: &Cluster) -> Option<&'a Answer> {
    metadata_of(cluster).map(|key| facts.answer(&key))
}

/// The ConfigMap in which a standalone cluster with Kubernetes HA of its author's keeps its leader; `None` where it has no
/// such HA, or none that starts.
#[must_use]
pub fn metadata_of(cluster: &Cluster) -> Option<FactKey> {
    let view = cluster.leading().filter(|_| cluster.shape == Shape::Raw)?;
    let is_on = cluster.high_availability().0 == HighAvailability::Kubernetes;
    let id = view.config.value(KUBERNETES_CLUSTER_ID, cluster.version).filter(|id| is_on && is_id(id))?;
    let namespace =
        view.config.value(KUBERNETES_NAMESPACE, cluster.version).unwrap_or(defaults::KUBERNETES_NAMESPACE).to_owned();
    Some(FactKey::ConfigMap { namespace, name: format!("{id}-cluster-config-map") })
}
