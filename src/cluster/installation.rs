//! Names of the objects in the cluster that belong to one installation.

use crate::tls::sha256_of;

/// Label of both webhook configurations, with `<namespace>.<Service>` as its value.
pub const INSTALLATION_LABEL: &str = "flink-admission.io/installation";
/// Label of the Leases by which replicas tell of themselves, with the Service as its value.
pub const MEMBER_LABEL: &str = "flink-admission.io/member";
/// Annotation of a member's Lease: the fingerprint of the authority whose leaf it serves.
pub const AUTHORITY_ANNOTATION: &str = "flink-admission.io/authority";
/// Annotation of a member's Lease: its version.
pub const VERSION_ANNOTATION: &str = "flink-admission.io/version";
/// Annotation of the authority's Secret that asks for a new authority; its value says nothing.
pub const ROTATE_ANNOTATION: &str = "flink-admission.io/rotate";
/// Annotation of a webhook configuration: since when requests are known to come through the API server.
pub const PROVED_ANNOTATION: &str = "flink-admission.io/proved";
/// Label of the ConfigMap that is never stored: `mutate` or `validate`, the configuration that it tries.
pub const PROBE_LABEL: &str = "flink-admission.io/probe";
/// Annotation of that ConfigMap, which the refusal repeats.
pub const NONCE_ANNOTATION: &str = "flink-admission.io/nonce";
/// How the names of all entries of ours end, whatever the configuration is called.
pub(super) const ENTRIES: &str = ".flink-admission.io";
/// The entry that the probe reaches.
pub(super) const PROBE_ENTRY: &str = "probe.flink-admission.io";
/// Written on what the program stores.
pub(super) const FIELD_MANAGER: &str = "flink-admission";

/// Characters that the value of a label may have.
const LABEL: usize = 63;
/// Those that a shortened one keeps.
const SHORTENED: usize = 52;

/// One installation, named by its Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Namespace of the Service, the Secret and the Leases.
    pub namespace: String,
    /// Name of the Service that the API server calls.
    pub service: String,
    /// Name of the Secret that holds the authority.
    pub secret: String,
    /// Name of both webhook configurations.
    pub configurations: String,
    /// Name of the ClusterRole with which everything else goes: owner of what the program makes.
    pub anchor: String,
    /// Name of the Lease that the leader holds.
    pub leader: String,
}

impl Installation {
    /// What the chart and the program name their objects when the Service is called `service`.
    #[must_use]
    pub fn of_service(service: &str, namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            service: service.to_owned(),
            secret: format!("{service}-authority"),
            configurations: service.to_owned(),
            anchor: format!("{service}-installation"),
            leader: format!("{service}-leader"),
        }
    }

    /// The names under which the Service is called. The API server uses the first.
    #[must_use]
    pub fn server_names(&self) -> Vec<String> {
        ["svc", "svc.cluster.local"].map(|suffix| format!("{}.{}.{suffix}", self.service, self.namespace)).to_vec()
    }

    /// Value of [`INSTALLATION_LABEL`]: what tells two installations apart, as the chart writes it too. Namespace and Service,
    /// shortened where a label cannot hold both.
    #[must_use]
    pub fn label(&self) -> String {
        let whole = format!("{}.{}", self.namespace, self.service);
        match whole.split_at_checked(SHORTENED) {
            Some((begin, _)) if whole.len() > LABEL => {
                let digest: String = sha256_of(whole.as_bytes()).chars().take(10).collect();
                format!("{begin}-{digest}")
            }
            _ => whole,
        }
    }

    /// Name of the Lease of the replica `identity`.
    #[must_use]
    pub fn member(&self, identity: &str) -> String {
        format!("{}-member-{identity}", self.service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_called_by_its_namespaced_name() {
        let names = Installation::of_service("flink-admission", "flink-system").server_names();
        assert_eq!(names, ["flink-admission.flink-system.svc", "flink-admission.flink-system.svc.cluster.local"]);
    }

    #[test]
    fn the_label_is_one_that_the_api_server_takes() {
        assert_eq!(Installation::of_service("webhook", "flink").label(), "flink.webhook");
        let long = Installation::of_service(&"s".repeat(53), &"n".repeat(40)).label();
        assert!(long.len() == 63 && long.starts_with(&format!("{}.{}-", "n".repeat(40), "s".repeat(11))), "{long}");
    }
}
