//! Whether anything keeps the pods of a role apart.

use serde_json::Value;

use crate::flink::cluster::{Cluster, RoleView};
use crate::flink::pod::Pod;
use crate::object::{at, list};
use crate::policy::Role;

/// The JobManagers of `cluster`, where there are several, for the sake of HA, and nothing keeps them apart.
#[must_use]
pub fn unspread(cluster: &Cluster) -> Option<&RoleView> {
    let several = cluster.job_managers.as_ref().is_some_and(|(number, _)| *number > 1);
    let is_standby = several && !cluster.starts_one_job_manager() && cluster.high_availability().0.is_on();
    cluster
        .role(Role::JobManager)
        .filter(|view| is_standby && view.pod_template_file().is_none() && !is_spread(&view.pod))
}

/// Whether the pod says that it keeps away from others, or is spread over nodes or zones.
///
/// ```
/// use flink_admission::flink::{pod::Pod, spread::is_spread};
/// let zone = serde_json::json!({"topologyKey": "topology.kubernetes.io/zone"});
/// let template = serde_json::json!({"spec": {"topologySpreadConstraints": [zone]}});
/// assert!(is_spread(&Pod::with_main_container(template)));
/// ```
#[must_use]
pub fn is_spread(pod: &Pod) -> bool {
    let terms = at(&pod.template, &["spec", "affinity", "podAntiAffinity"]);
    let has_term = terms
        .and_then(Value::as_object)
        .is_some_and(|kinds| kinds.values().any(|terms| terms.as_array().is_some_and(|terms| !terms.is_empty())));
    has_term || !list(&pod.template, &["spec", "topologySpreadConstraints"]).is_empty()
}
