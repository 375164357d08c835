//! What `serve` has of a cluster: answers to questions, and a certificate that the API server trusts.
//!
//! ```text
//! flink-admission serve --cluster --service flink-admission --namespace flink-system
//! ```

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::cluster::{self, Installation, LookUps};
use crate::server::{LookUp, NoCluster};
use crate::tls::ServingCertificate;

/// Arguments of `serve` about the cluster.
#[derive(Debug, Args)]
pub(super) struct ClusterArguments {
    /// Look objects up in the cluster of the pod or of KUBECONFIG; what cannot be looked up is judged as unknown
    #[arg(long)]
    cluster: bool,
    /// Service that the API server calls: make a CA, keep it in the Secret `<SERVICE>-authority` and in the webhook
    /// configurations named like the Service
    #[arg(long, value_name = "SERVICE", requires_all = ["cluster", "namespace"], conflicts_with = "tls_cert")]
    service: Option<String>,
    /// Namespace of the Service and the Secret
    #[arg(long, value_name = "NAMESPACE", requires = "service")]
    namespace: Option<String>,
    /// How often that Secret and those configurations are looked at, and put right
    #[arg(long, default_value = "1m", value_name = "TIME", requires = "service", value_parser = super::duration)]
    check_every: Duration,
}

impl ClusterArguments {
    /// Whether `certificate` comes from the cluster.
    pub(super) const fn keeps_certificate(&self) -> bool {
        self.service.is_some()
    }

    /// Connects, puts a leaf into `certificate` where the cluster keeps the authority, and starts the task that renews it.
    ///
    /// # Errors
    /// There is no way to the API server, or no authority was to be had within a minute.
    pub(super) async fn join(&self, certificate: &Arc<ServingCertificate>) -> anyhow::Result<Arc<dyn LookUp>> {
        if !self.cluster {
            return Ok(Arc::new(NoCluster));
        }
        let client = cluster::connect().await?;
        if let (Some(service), Some(namespace)) = (&self.service, &self.namespace) {
            let installation = Installation::of_service(service, namespace);
            let keeper = cluster::start(client.clone(), installation, Arc::clone(certificate)).await?;
            tokio::spawn(keeper.run(self.check_every));
        }
        Ok(Arc::new(LookUps::new(client)))
    }
}
