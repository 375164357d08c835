//! What Flink's pods must be allowed to do in the Kubernetes API.

use crate::flink::version::FlinkVersion;
use crate::policy::Role;

/// The verbs that `role` uses on ConfigMaps under Kubernetes HA, in any version.
///
/// Sources: Flink 1.13 to 2.3 `KubernetesLeaderElectionHaServices`, `Fabric8FlinkKubeClient`; for the TaskManager the audit log
/// of an API server (1.16 to 2.3), which shows no `get`.
#[must_use]
pub const fn on_config_maps(role: Role) -> &'static [&'static str] {
    match role {
        Role::JobManager => &["get", "list", "watch", "create", "update", "patch", "delete"],
        Role::TaskManager => &["list", "watch"],
    }
}

/// Whether a JobManager of `version` renews its leader's lock with `patch`, and not with `update`: from 1.18 on, whose
/// fabric8 client (6.6.2 in place of 5.12) does so in `ResourceLock.update`. `None` where the version is unknown.
#[must_use]
pub fn renews_with_patch(version: Option<FlinkVersion>) -> Option<bool> {
    version.map(|version| version.at_least(1, 18))
}
