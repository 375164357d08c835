//! Keeps what the API server needs to call us: the authority in its Secret, a leaf of it in memory, its certificate in the
//! webhook configurations.
//!
//! The first round is done by [`start`], so that nothing is served without a certificate. [`Keeper::run`] repeats it, by
//! default every minute: a Secret that was deleted, replaced by another replica, or edited; configurations that were applied anew; a leaf
//! that grows old. A round that fails is tried again at the next, and what was served is served on.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use kube::Client;
use tokio::time::{MissedTickBehavior, interval_at, sleep, timeout};

use super::authority::{Authority, Leaf, Unusable};
use super::authority_secret::{AuthoritySecret, SecretError};
use super::webhook_configurations::{Configuration, Injected, inject_bundle};
use crate::tls::ServingCertificate;

/// The shortest time from one round to the next.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest that one round may take: some requests of up to ten seconds each.
const ROUND: Duration = Duration::from_secs(45);
/// The longest that [`start`] tries to have an authority; an API server that restarts is back by then.
const START: Duration = Duration::from_mins(1);
/// Between two tries of [`start`].
const PAUSE: Duration = Duration::from_secs(2);

/// Names of the objects in the cluster that belong to one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Namespace of the Service and the Secret.
    pub namespace: String,
    /// Name of the Service that the API server calls.
    pub service: String,
    /// Name of the Secret that holds the authority.
    pub secret: String,
    /// Name of the MutatingWebhookConfiguration.
    pub mutating: String,
    /// Name of the ValidatingWebhookConfiguration.
    pub validating: String,
}

impl Installation {
    /// What the chart names its objects when its Service is called `service`: the Secret `<service>-authority` and both
    /// webhook configurations like the Service.
    #[must_use]
    pub fn of_service(service: &str, namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            service: service.to_owned(),
            secret: format!("{service}-authority"),
            mutating: service.to_owned(),
            validating: service.to_owned(),
        }
    }

    /// The names under which the Service is called. The API server uses the first.
    #[must_use]
    pub fn server_names(&self) -> Vec<String> {
        ["svc", "svc.cluster.local"].map(|suffix| format!("{}.{}.{suffix}", self.service, self.namespace)).to_vec()
    }
}

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no authority.
    #[error(transparent)]
    Authority(#[from] SecretError),
    /// It signs nothing.
    #[error("no certificate for the Service could be made: {0}")]
    Leaf(#[from] Unusable),
    /// The API server did not answer at all.
    #[error("the API server did not answer within {} s, so there is no certificate to serve with; check the network and the API server", START.as_secs())]
    Unanswered,
}

/// The task that keeps an installation working.
pub struct Keeper {
    client: Client,
    installation: Installation,
    secret: AuthoritySecret,
    certificate: Arc<ServingCertificate>,
    leaf: Leaf,
}

/// Has an authority (made if there is none) and serves `certificate` with a leaf of it, which [`Keeper::run`] renews.
///
/// # Errors
/// Within a minute there was no authority to be had.
pub async fn start(
    client: Client,
    installation: Installation,
    certificate: Arc<ServingCertificate>,
) -> Result<Keeper, StartError> {
    let secret = AuthoritySecret::new(client.clone(), &installation.namespace, &installation.secret);
    let leaf = first_leaf(&secret, &installation).await?;
    certificate.replace(leaf.served.clone());
    Ok(Keeper { client, installation, secret, certificate, leaf })
}

async fn first_leaf(secret: &AuthoritySecret, installation: &Installation) -> Result<Leaf, StartError> {
    let mut last = StartError::Unanswered;
    let tries = async {
        loop {
            match secret.ensure().await {
                Ok(authority) => return mint(&authority, installation),
                Err(error) => {
                    tracing::warn!(%error, "the start waits for the certificate authority");
                    last = error.into();
                    sleep(PAUSE).await;
                }
            }
        }
    };
    match timeout(START, tries).await {
        Ok(leaf) => Ok(leaf?),
        Err(_) => Err(last),
    }
}

fn mint(authority: &Authority, installation: &Installation) -> Result<Leaf, Unusable> {
    authority.mint(&installation.server_names(), SystemTime::now())
}

impl Keeper {
    /// Repeats the round every `period` (a second at least), the first at once, for as long as the program runs. Drop the
    /// future to end it.
    pub async fn run(mut self, period: Duration) {
        let mut ticks = interval_at(tokio::time::Instant::now(), period.max(SHORTEST));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if timeout(ROUND, self.round()).await.is_err() {
                tracing::warn!(
                    "the check of certificate and webhook configurations was not done in {ROUND:?}; it is tried again"
                );
            }
        }
    }

    /// One check of everything. What fails is logged; nothing else is lost by it.
    pub async fn round(&mut self) {
        // Without it no bundle is written either: a replica that cannot see a new authority would fight those that can.
        match self.secret.ensure().await {
            Ok(authority) => self.renew(&authority),
            Err(error) => {
                tracing::warn!(%error, "the certificate authority could not be checked");
                return;
            }
        }
        self.inject::<MutatingWebhookConfiguration>(&self.installation.mutating).await;
        self.inject::<ValidatingWebhookConfiguration>(&self.installation.validating).await;
    }

    /// The certificate, in PEM, that clients of what is served must trust.
    #[must_use]
    pub fn authority_pem(&self) -> &str {
        &self.leaf.authority_pem
    }

    fn renew(&mut self, authority: &Authority) {
        if self.leaf.authority_pem == authority.certificate_pem() && SystemTime::now() < self.leaf.renew_at {
            return;
        }
        match mint(authority, &self.installation) {
            Ok(leaf) => {
                tracing::info!("serving with a new certificate");
                self.certificate.replace(leaf.served.clone());
                self.leaf = leaf;
            }
            Err(error) => tracing::warn!(%error, "the certificate was not renewed"),
        }
    }

    async fn inject<K: Configuration>(&self, name: &str) {
        match inject_bundle::<K>(&self.client, name, &self.leaf.authority_pem).await {
            Ok(Injected::Unchanged) => {}
            Ok(Injected::Written) => tracing::info!(kind = K::KIND, name, "wrote the certificate to trust"),
            Ok(Injected::Absent) => {
                tracing::warn!(
                    kind = K::KIND,
                    name,
                    "there is no such object, so the API server does not call this webhook"
                );
            }
            Err(error) => tracing::warn!(%error, "the webhook configuration could not be kept"),
        }
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
}
