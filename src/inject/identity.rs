//! The id of the cluster that a target belongs to.

use crate::flink::cluster::Cluster;
use crate::flink::identity;
use crate::flink::options::KUBERNETES_CLUSTER_ID;
use crate::inject::{Place, Target};
use crate::policy::Role;
use crate::siblings::explicit;

/// The id of the cluster that `target`, which shows `cluster`, belongs to; `None` where nothing says it.
///
/// A FlinkDeployment's is its name. A raw role's is what its author says, else what the author of the other role says,
/// where that is known; else what the JobManager derives, so that both come to the same.
pub(super) fn of(target: &Target<'_>, cluster: &Cluster) -> Option<String> {
    let Some(Place::Pods(raw)) = target.place() else { return target.name.map(str::to_owned) };
    let own = explicit(target.object, cluster, KUBERNETES_CLUSTER_ID).map(|setting| setting.trimmed().to_owned());
    let of_sibling = || target.siblings.iter().find_map(|sibling| sibling.explicit.clone());
    let of_job_manager = || {
        target.siblings.iter().filter(|_| raw.role == Role::TaskManager).find_map(|sibling| sibling.identity.clone())
    };
    let configured = own.or_else(of_sibling).or_else(of_job_manager);
    let Target { object, name, namespace, .. } = *target;
    identity::Shown { object, name, namespace, cluster }.id(configured)
}
