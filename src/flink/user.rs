//! The user that a pod's Flink container runs as.

use serde_json::Value;

use crate::flink::pod::Pod;
use crate::object::at;

/// The user and the group `flink` of the official image. Source: flink-docker `Dockerfile-debian.template`.
pub const FLINK: u32 = 9999;

/// Whether the Flink container of `pod` must not run as root and has no numeric user.
#[must_use]
pub fn is_missing(pod: &Pod) -> bool {
    field(pod, "runAsNonRoot") == Some(&Value::Bool(true)) && field(pod, "runAsUser").is_none()
}

/// The user that the Flink container of `pod` is given by number; `None` where the image's or the platform's is.
#[must_use]
pub fn numeric(pod: &Pod) -> Option<i64> {
    field(pod, "runAsUser")?.as_i64()
}

/// What the container's security context says, which stands above what its pod's does.
///
/// Source: Kubernetes `DetermineEffectiveSecurityContext`.
fn field<'a>(pod: &'a Pod, name: &str) -> Option<&'a Value> {
    let of_container = pod.container().and_then(|container| at(container, &["securityContext", name]));
    of_container.or_else(|| at(&pod.template, &["spec", "securityContext", name]))
}
