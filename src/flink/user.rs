//! The user that a pod's Flink container runs as.

use serde_json::Value;

use crate::flink::pod::Pod;
use crate::object::at;

/// The user and the group `flink` of the official image. Source: flink-docker `Dockerfile-debian.template`.
pub const FLINK: u32 = 9999;

/// Whether the Flink container of `pod` must not run as root and has no numeric user.
///
/// What the container says stands above what its pod says. Source: Kubernetes `DetermineEffectiveSecurityContext`.
#[must_use]
pub fn is_missing(pod: &Pod) -> bool {
    let field = |name: &str| {
        let of_container = pod.container().and_then(|container| at(container, &["securityContext", name]));
        of_container.or_else(|| at(&pod.template, &["spec", "securityContext", name]))
    };
    field("runAsNonRoot") == Some(&Value::Bool(true)) && field("runAsUser").is_none()
}
