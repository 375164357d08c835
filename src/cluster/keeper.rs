//! Keeps what the API server needs to call us: the authority in its Secret, a leaf of it in memory, the webhook
//! configurations.
//!
//! A round looks at everything and puts right what this replica may: each serves a leaf of the authority and tells of itself,
//! the leader keeps Secret and configurations and sends a probe. Rounds follow one another in a steady pace, and at once
//! where the Secret or a configuration changes. One that fails is tried again at the next, and what was served is served on.
//!
//! An authority is replaced without one lost call, since whom the API server trusts always comes first:
//!
//! ```text
//! leader   new authority into the Secret ─ bundle: new and old ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ bundle: new alone
//! replica  serves a leaf of the old ─ ─ ─ ─ ─ bundle trusts the new ─ serves a leaf of the new, and tells so
//! ```

mod leaf;
mod live;
mod round;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::authority_secret::SecretError;
use super::bundle::Bundle;
use super::client::explain;
use super::configurations::{By, Wanted};
use super::election;
use super::installation::Installation;
use crate::telemetry::Metrics;
use crate::tls::{ServingCertificate, Unusable};
use round::Round;

/// The shortest time from one round to the next.
const SHORTEST: Duration = Duration::from_millis(500);
/// From one round to the next while something is on its way.
const SOON: Duration = Duration::from_secs(2);
/// The longest that one round may take: some requests of up to ten seconds each.
const ROUND: Duration = Duration::from_secs(45);
/// The longest that [`Keeper::start`] tries to have a certificate; an API server that restarts is back by then.
const START: Duration = Duration::from_mins(1);
/// Seconds that a watch lasts; an API server that is stopped waits for those that are open.
const WATCH: u32 = 30;
/// The longest that leaving may take.
const LEAVE: Duration = Duration::from_secs(5);

/// What is kept, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whose objects.
    pub installation: Installation,
    /// The name of this replica, which no other has.
    pub identity: String,
    /// Where the serving certificate comes from.
    pub source: Source,
    /// The configurations as the chart wants them; without them only `caBundle` is kept in what is there.
    pub wanted: Option<Wanted>,
    /// Who writes them.
    pub by: By,
    /// From one round to the next.
    pub every: Duration,
}

/// Where the serving certificate comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// From the authority in the Secret.
    Authority {
        /// How long a leaf is valid.
        leaf_life: Duration,
        /// How long a new authority is valid.
        authority_life: Duration,
    },
    /// From files, which somebody else reads; with the certificates to trust, which may change, or without them, where others
    /// write `caBundle`.
    Files(Option<watch::Receiver<Bundle>>),
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
    /// The API server trusts another authority.
    #[error(
        "the webhook configurations do not trust the authority in the Secret yet, which the leader sees to; look at the other replicas"
    )]
    NotTrusted,
    /// The API server did not answer at all.
    #[error("the API server did not answer within {} s, so there is no certificate to serve with; check the network and the API server", START.as_secs())]
    Unanswered,
}

/// The task that keeps an installation working.
pub struct Keeper {
    round: Round,
    watching: Client,
    leads: Option<watch::Receiver<bool>>,
    changed: Arc<Notify>,
}

impl Keeper {
    /// Has an authority and serves `certificate` with a leaf of it, which [`Self::run`] renews. `watching` is a client whose
    /// requests may last ([`super::connect_to_watch`]).
    ///
    /// # Errors
    /// Within a minute there was no certificate to be had.
    pub async fn start(
        client: Client,
        watching: Client,
        settings: Settings,
        certificate: Arc<ServingCertificate>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StartError> {
        let round = Round::new(client, settings, certificate, metrics);
        let mut keeper = Self { round, watching, leads: None, changed: Arc::new(Notify::new()) };
        let mut last = StartError::Unanswered;
        let rounds = async {
            loop {
                match keeper.once().await {
                    Ok(()) if keeper.round.serves() => return,
                    Ok(()) => last = StartError::NotTrusted,
                    Err(error) => {
                        tracing::warn!(%error, "the start waits for a certificate");
                        last = error;
                    }
                }
                sleep(SHORTEST).await;
            }
        };
        match timeout(START, rounds).await {
            Ok(()) => Ok(keeper),
            Err(_) => Err(last),
        }
    }

    /// Repeats the round until `stop` yields, also in the middle of one, and then leaves. Drop the future to end it without a
    /// word.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        self.round.listens = Some(Instant::now());
        let _watches = self.watch();
        let every = self.round.settings.every.max(SHORTEST);
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                () = self.bounded() => {}
            }
            let pause = if self.round.is_pending() { SOON } else { every.min(self.round.until_renewal()) };
            let until_next = async {
                sleep(SHORTEST).await;
                tokio::select! {
                    () = sleep(pause.saturating_sub(SHORTEST)) => {}
                    () = self.changed.notified() => {}
                    () = change_of(self.leads.as_mut()) => {}
                }
            };
            tokio::select! {
                () = &mut stop => break,
                () = until_next => {}
            }
        }
        if timeout(LEAVE, self.round.leave(self.leads.take())).await.is_err() {
            tracing::warn!("this replica ends without having said so to the others");
        }
    }

    /// One look that takes no longer than [`ROUND`]; what it cannot do is logged and counted.
    async fn bounded(&mut self) {
        match timeout(ROUND, self.once()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                self.round.metrics.keeper_error("certificate");
                tracing::warn!(%error, "the certificate could not be checked; what was served is served on");
            }
            Err(_) => {
                self.round.metrics.keeper_error("time");
                tracing::warn!("the check of certificate and webhook configurations was not done in {ROUND:?}");
            }
        }
    }

    /// One look at everything.
    ///
    /// # Errors
    /// There is no certificate to be had; all else is logged.
    async fn once(&mut self) -> Result<(), StartError> {
        // Before anything that may have to wait for the API server.
        self.round.renew_in_time()?;
        let anchor = self.round.anchor().await;
        let stood = self.stand(anchor.owner()).await;
        self.round.trouble("election", stood.err());
        let leads = self.leads.as_ref().is_some_and(|leads| *leads.borrow());
        self.round.metrics.leads(leads);
        self.round.look(leads, &anchor).await
    }

    /// Stands for election, and anew where the Lease was gone; or says why it cannot.
    async fn stand(&mut self, owner: Option<&OwnerReference>) -> Result<(), String> {
        let Settings { installation, identity, .. } = &self.round.settings;
        let client = &self.round.client;
        let unknown = |why: String| format!("this replica cannot stand for election, so who leads is not known: {why}");
        if let Some(owner) = owner {
            let kept = election::keep_lease(client, installation, owner).await;
            if !kept.map_err(|error| unknown(explain(&error, "get, create or patch", "leases")))? {
                self.leads = None;
            }
        }
        if self.leads.is_none() {
            let stands = election::stand(client.clone(), installation, identity).await;
            self.leads = Some(stands.map_err(|error| unknown(error.to_string()))?);
        }
        Ok(())
    }

    /// Watches for changes of what is kept, each of which is a reason for a round; ends when it is dropped.
    fn watch(&self) -> JoinSet<()> {
        let (client, installation) = (&self.watching, &self.round.settings.installation);
        let mut watches = JoinSet::new();
        let configurations = &installation.configurations;
        watches.spawn(wake(Api::<MutatingWebhookConfiguration>::all(client.clone()), configurations, &self.changed));
        watches.spawn(wake(Api::<ValidatingWebhookConfiguration>::all(client.clone()), configurations, &self.changed));
        if matches!(self.round.settings.source, Source::Authority { .. }) {
            let secrets = Api::<Secret>::namespaced(client.clone(), &installation.namespace);
            watches.spawn(wake(secrets, &installation.secret, &self.changed));
        }
        if let Source::Files(Some(bundle)) = &self.round.settings.source {
            let (mut bundle, changed) = (bundle.clone(), Arc::clone(&self.changed));
            watches.spawn(async move {
                while bundle.changed().await.is_ok() {
                    changed.notify_one();
                }
            });
        }
        watches
    }
}

/// Tells `changed` of each change of the object `name`.
fn wake<K>(api: Api<K>, name: &str, changed: &Arc<Notify>) -> impl Future<Output = ()> + Send + use<K>
where
    K: Resource + Clone + std::fmt::Debug + DeserializeOwned + Send + 'static,
{
    let config = watcher::Config::default().fields(&format!("metadata.name={name}")).timeout(WATCH);
    let changed = Arc::clone(changed);
    async move {
        let mut events = std::pin::pin!(watcher(api, config).default_backoff());
        while let Some(event) = events.next().await {
            match event {
                Ok(_) => changed.notify_one(),
                Err(error) => tracing::debug!(%error, "a watch is taken up again"),
            }
        }
    }
}

/// Yields when this replica begins or ends to lead; never where it does not stand for election.
async fn change_of(leads: Option<&mut watch::Receiver<bool>>) {
    match leads {
        Some(leads) => {
            if leads.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::http::{Request, Response};
    use kube::client::Body;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_replica_that_waits_for_the_api_server_can_be_stopped() {
        let silent = tower::service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>());
        let client = Client::new(silent, "flink");
        let settings = Settings {
            installation: Installation::of_service("webhook", "flink"),
            identity: "webhook-0".to_owned(),
            source: Source::Files(None),
            wanted: None,
            by: By::Program,
            every: ROUND,
        };
        let round = Round::new(client.clone(), settings, Arc::default(), Arc::default());
        let keeper = Keeper { round, watching: client, leads: None, changed: Arc::default() };
        let (asked, began) = (Duration::from_secs(1), tokio::time::Instant::now());
        keeper.run(sleep(asked)).await;
        assert_eq!(began.elapsed(), asked + LEAVE, "of the runtime's clock, which stands still while anything runs");
    }
}
