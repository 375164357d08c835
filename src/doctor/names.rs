//! What the chart and the program name their objects, by the Service that the API server calls.

pub(super) use crate::cluster::{
    AUTHORITY_ANNOTATION as AUTHORITY, INSTALLATION_LABEL as INSTALLATION, MEMBER_LABEL as MEMBER,
    NONCE_ANNOTATION as NONCE, PROBE_LABEL as PROBE, VERSION_ANNOTATION as VERSION,
};

use crate::cluster::Installation;

/// How the names of all our entries end, whatever the configuration is called.
pub(super) const ENTRIES: &str = ".flink-admission.io";
/// The entry that the probe reaches.
pub(super) const PROBE_ENTRY: &str = "probe.flink-admission.io";

/// The objects of one installation.
///
/// ```
/// use flink_admission::doctor::Names;
///
/// let names = Names::new("flink-system", "flink-admission");
/// assert_eq!(names.secret(), "flink-admission-authority");
/// assert_eq!(names.server(), "flink-admission.flink-system.svc");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Namespace of the Service, the Secret and the Leases.
    pub namespace: String,
    /// The Service; Deployment, ServiceAccount and both webhook configurations are called the same.
    pub service: String,
}

impl Names {
    /// The installation of `service` in `namespace`.
    #[must_use]
    pub fn new(namespace: &str, service: &str) -> Self {
        Self { namespace: namespace.to_owned(), service: service.to_owned() }
    }

    fn installation(&self) -> Installation {
        Installation::of_service(&self.service, &self.namespace)
    }

    /// The Secret of the authority.
    #[must_use]
    pub fn secret(&self) -> String {
        self.installation().secret
    }

    /// The cluster-scoped object that owns both configurations.
    #[must_use]
    pub fn anchor(&self) -> String {
        self.installation().anchor
    }

    /// The Lease by which the replicas elect a leader.
    #[must_use]
    pub fn leader(&self) -> String {
        self.installation().leader
    }

    /// The ConfigMap with both configurations as they are wanted.
    #[must_use]
    pub fn webhooks(&self) -> String {
        format!("{}-webhooks", self.service)
    }

    /// The ConfigMap with the policy.
    #[must_use]
    pub fn policy(&self) -> String {
        format!("{}-policy", self.service)
    }

    /// The name under which the API server calls the Service.
    #[must_use]
    pub fn server(&self) -> String {
        format!("{}.{}.svc", self.service, self.namespace)
    }

    /// Value of the label [`INSTALLATION`].
    #[must_use]
    pub fn label(&self) -> String {
        self.installation().label()
    }
}
