//! One look at everything that is kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use k8s_openapi::api::rbac::v1::ClusterRole;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use k8s_openapi::jiff::Timestamp;
use kube::{Api, Client, Resource as _};
use tokio::sync::watch;
use tokio::time::sleep;

use super::leaf::{Patience, Step, Trust, is_due};
use super::live::Live;
use super::{Settings, Source, StartError};
use crate::cluster::authority_secret::{AuthoritySecret, SecretError, Wish};
use crate::cluster::bundle::Bundle;
use crate::cluster::client::explain;
use crate::cluster::configurations::{Configurations, KINDS, Kept, Kind, Standing};
use crate::cluster::events::Events;
use crate::cluster::members::{Members, Others};
use crate::cluster::probe::{Belief, Change, Probed, probe};
use crate::telemetry::Metrics;
use crate::tls::{Authority, Leaf, ServingCertificate};

/// A Lease of a replica counts for so many rounds without a change.
const MISSED: u32 = 3;
/// Probes of one round while the API server may not have heard of the configurations yet.
const PROBES: u32 = 6;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a replica that starts waits for the leader to make an authority.
const ALONE: Duration = Duration::from_secs(15);
/// How long after its start a replica may not be found by the Service yet.
const EARLY: Duration = Duration::from_mins(2);

/// What one replica knows from round to round.
pub(super) struct Round {
    pub(super) client: Client,
    pub(super) settings: Settings,
    pub(super) metrics: Arc<Metrics>,
    certificate: Arc<ServingCertificate>,
    secret: AuthoritySecret,
    configurations: Configurations,
    members: Members,
    events: Events,
    authority: Option<Arc<Authority>>,
    leaf: Option<Leaf>,
    patience: Patience,
    belief: Option<Belief>,
    /// Since when requests are answered: before that none need be sent.
    pub(super) listens: Option<Instant>,
    began: Instant,
    /// Since when this replica leads.
    leads_since: Option<Instant>,
    /// What was last said of each trouble, so that it is said once.
    troubles: BTreeMap<&'static str, String>,
}

/// The ClusterRole with which everything goes that the program makes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Anchor {
    Known(OwnerReference),
    Absent,
    Unknown(String),
}

impl Anchor {
    pub(super) const fn owner(&self) -> Option<&OwnerReference> {
        match self {
            Self::Known(owner) => Some(owner),
            Self::Absent | Self::Unknown(_) => None,
        }
    }
}

impl Round {
    pub(super) fn new(
        client: Client,
        settings: Settings,
        certificate: Arc<ServingCertificate>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let Settings { installation, identity, wanted, by, every, .. } = &settings;
        let secret = AuthoritySecret::new(client.clone(), &installation.namespace, &installation.secret);
        let configurations = Configurations::new(client.clone(), installation.clone(), *by, wanted.clone());
        let members = Members::new(client.clone(), installation.clone(), identity, *every * MISSED);
        let events = Events::new(client.clone(), installation, identity);
        Self {
            client,
            metrics,
            certificate,
            secret,
            configurations,
            members,
            events,
            authority: None,
            leaf: None,
            patience: Patience::default(),
            belief: None,
            listens: None,
            leads_since: None,
            began: Instant::now(),
            troubles: BTreeMap::new(),
            settings,
        }
    }

    /// Whether there is a certificate to serve with.
    pub(super) fn serves(&self) -> bool {
        self.certificate.not_after().is_some()
    }

    /// Whether another round should follow soon: something is on its way.
    pub(super) fn is_pending(&self) -> bool {
        let is_unproved = self.belief.as_ref().is_some_and(|belief| belief.since().is_none());
        let is_early = self.listens.is_some_and(|since| since.elapsed() < EARLY);
        let is_shaken = self.belief.as_ref().is_some_and(Belief::is_shaken);
        self.patience.is_pending() || is_shaken || (is_unproved && is_early && self.settings.wanted.is_some())
    }

    /// How long the leaf has until it is to be replaced; for ever where there is none.
    pub(super) fn until_renewal(&self) -> Duration {
        let left = |leaf: &Leaf| leaf.renew_at.duration_since(SystemTime::now()).unwrap_or_default();
        self.leaf.as_ref().map_or(Duration::MAX, left)
    }

    /// Looks at everything, and puts right what is this replica's to put right.
    pub(super) async fn look(&mut self, leads: bool, anchor: &Anchor) -> Result<(), StartError> {
        let learned = self.learn_authority(leads, anchor).await;
        let live = self.live().await;
        let served = match (learned, self.authority.clone()) {
            (Ok(()), Some(authority)) => self.renew(&authority, &live.trust()),
            (Ok(()), None) => Ok(()),
            // What is known serves on, as long as it can.
            (Err(error), Some(authority)) => self.renew(&authority, &Trust::Unknown).and(Err(error)),
            (Err(error), None) => Err(error),
        };
        self.tell(anchor).await;
        if !leads {
            // Whoever leads next starts from what the last leader left.
            (self.belief, self.leads_since) = (None, None);
        } else if self.served().is_some() {
            self.leads_since.get_or_insert_with(Instant::now);
            self.lead(anchor, live).await;
        }
        served
    }

    /// Reads the authority from the Secret, which the leader fills.
    async fn learn_authority(&mut self, leads: bool, anchor: &Anchor) -> Result<(), StartError> {
        let Source::Authority { authority_life, .. } = self.settings.source else { return Ok(()) };
        let is_known = self.authority.is_some();
        // Whoever leads may have its certificate from files, and make none for others.
        let is_alone = !is_known && self.began.elapsed() >= ALONE;
        let authority = if (leads || is_alone) && (*anchor != Anchor::Absent || !is_known) {
            let owner = anchor.owner().cloned();
            self.secret.ensure(&Wish { known: self.authority.clone(), life: authority_life, owner }).await?
        } else {
            match self.secret.read().await {
                // It went with the anchor, and comes back with it.
                Err(SecretError::Missing { .. }) if *anchor == Anchor::Absent && is_known => return Ok(()),
                read => read?,
            }
        };
        self.metrics.authority_ends(authority.not_after());
        self.authority = Some(Arc::new(authority));
        Ok(())
    }

    /// Serves another leaf of the same authority where it is time.
    pub(super) fn renew_in_time(&mut self) -> Result<(), StartError> {
        let Some(authority) = self.authority.clone() else { return Ok(()) };
        let time = SystemTime::now();
        let is_of = |leaf: &Leaf| leaf.fingerprint == authority.fingerprint();
        if self.leaf.as_ref().is_some_and(|leaf| is_of(leaf) && is_due(leaf, time)) {
            self.mint(&authority, time)?;
        }
        Ok(())
    }

    /// Serves another leaf where it is time, or where the authority is another one that is trusted.
    fn renew(&mut self, authority: &Authority, trust: &Trust) -> Result<(), StartError> {
        let time = SystemTime::now();
        let step = self.patience.step(self.leaf.as_ref(), authority, trust, time, Instant::now());
        if step == Step::Mint { self.mint(authority, time) } else { Ok(()) }
    }

    fn mint(&mut self, authority: &Authority, time: SystemTime) -> Result<(), StartError> {
        let Source::Authority { leaf_life, .. } = self.settings.source else { return Ok(()) };
        let names = self.settings.installation.server_names();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let leaf = authority.mint(&names, time, leaf_life)?;
        let (signer, not_after) = (leaf.fingerprint.as_str(), leaf.served.not_after());
        tracing::info!(authority = signer, not_after, "serving with a new certificate");
        self.certificate.replace(leaf.served.clone());
        self.leaf = Some(leaf);
        Ok(())
    }

    /// Tells the others what this replica serves.
    async fn tell(&mut self, anchor: &Anchor) {
        let Some(authority) = self.served() else { return };
        let told = self.members.tell(&authority, anchor.owner()).await.map_err(|error| error.to_string());
        self.trouble("membership", told.err());
    }

    /// The fingerprint of the authority whose leaf is served.
    fn served(&self) -> Option<String> {
        match &self.settings.source {
            Source::Authority { .. } => self.leaf.as_ref().map(|leaf| leaf.fingerprint.clone()),
            Source::Files(Some(bundle)) => bundle.borrow().first().map(str::to_owned),
            Source::Files(None) => Some(String::new()),
        }
    }

    /// What only the leader does.
    async fn lead(&mut self, anchor: &Anchor, mut live: Live) {
        let others = self.members.others().await;
        self.trouble("members", others.as_ref().err().map(ToString::to_string));
        let others = others.ok();
        if !self.may_write(anchor).await {
            // What is made anew is proved anew.
            self.belief = None;
            return;
        }
        let bundle = self.bundle(&live, others.as_ref());
        if self.belief.is_none() {
            self.belief = Some(Belief::of(live.proved(bundle.as_ref())));
        }
        let whole = others.as_ref().is_none_or(Others::are_of_our_version);
        let is_kept = self.keep(anchor, &mut live, bundle.as_ref(), whole).await;
        if !is_kept || self.listens.is_none() || self.settings.wanted.is_none() {
            return;
        }
        if self.try_out().await != Change::None {
            self.keep(anchor, &mut live, bundle.as_ref(), whole).await;
        }
    }

    /// Whether the configurations are this installation's to write.
    async fn may_write(&mut self, anchor: &Anchor) -> bool {
        if !self.configurations.are_ours() {
            return true;
        }
        let refused = match anchor {
            Anchor::Known(_) => None,
            Anchor::Absent => Some(format!(
                "there is no ClusterRole `{}`, with which the webhook configurations would go: the release is being removed, or \
                 was installed without it; nothing is written",
                self.settings.installation.anchor
            )),
            Anchor::Unknown(why) => {
                Some(format!("the webhook configurations are not written without their owner: {why}"))
            }
        };
        let is_refused = refused.is_some();
        self.trouble("anchor", refused);
        if is_refused {
            return false;
        }
        let other = self.configurations.older().await;
        let told = match &other {
            Ok(None) => None,
            Ok(Some(other)) => Some(format!(
                "installation `{other}` (namespace.Service) has webhook configurations in this cluster; two would change the \
                 same objects, so none is written here; remove one by `helm uninstall` or `flink-admission uninstall`"
            )),
            // Without the right to look for others there is none to be seen.
            Err(error) => Some(error.to_string()),
        };
        let may = !matches!(other, Ok(Some(_)));
        let is_new = self.trouble("installation", told.clone());
        if let (false, true, Some(told)) = (may, is_new, told) {
            self.events.warn("OtherInstallation", &told).await;
        }
        may
    }

    /// Whom the API server is to trust: the authority of now, and those that are served still.
    fn bundle(&self, live: &Live, others: Option<&Others>) -> Option<Bundle> {
        let own = match &self.settings.source {
            Source::Authority { .. } => Bundle::read(self.authority.as_ref()?.certificate_pem().as_bytes()),
            Source::Files(bundle) => bundle.as_ref()?.borrow().clone(),
        };
        let served = self.served();
        let is_trusted = self.is_trusted_by(&own);
        // Of a replica that ended before this one led, nobody tells what it serves to its end.
        let is_new = self.leads_since.is_none_or(|since| since.elapsed() < self.settings.every * MISSED);
        let is_in_use = |fingerprint: &str| {
            is_new
                || !is_trusted
                || served.as_deref() == Some(fingerprint)
                || others.is_none_or(|others| others.authorities.contains(fingerprint))
        };
        Some(own.with(&live.all(), is_in_use))
    }

    /// Whether `bundle` trusts what is served; that of files may not.
    fn is_trusted_by(&self, bundle: &Bundle) -> bool {
        let (Source::Files(_), Some(served)) = (&self.settings.source, self.certificate.current()) else { return true };
        let names = self.settings.installation.server_names();
        let fit = names.first().map_or(Ok(()), |name| served.is_fit(name, Some(&bundle.certificates())));
        if let Err(why) = &fit {
            tracing::warn!(
                "the certificates of `--ca` do not do for the one that is served, which {why}; the old ones stay trusted"
            );
        }
        fit.is_ok()
    }

    /// Makes both configurations what they should be; whether they are now.
    async fn keep(&mut self, anchor: &Anchor, live: &mut Live, bundle: Option<&Bundle>, whole: bool) -> bool {
        let since = self.belief.as_ref().and_then(Belief::since).map(str::to_owned);
        let standing = Standing { bundle, proved: since.as_deref(), owner: anchor.owner() };
        let mut are_kept = true;
        for (kind, live) in KINDS.into_iter().zip(&mut live.found) {
            let told = match self.configurations.keep(kind, live.as_ref(), &standing, whole).await {
                Ok(Kept::Unchanged) => None,
                Ok(Kept::Written(now)) => {
                    tracing::info!(%kind, proved = since.as_deref().unwrap_or("no"), "wrote the webhook configuration");
                    self.metrics.wrote_configuration();
                    *live = Some(now);
                    None
                }
                Ok(Kept::Outrun) => {
                    tracing::info!(%kind, "the webhook configuration was changed meanwhile; it is looked at again");
                    are_kept = false;
                    continue;
                }
                Ok(Kept::Absent) => Some(format!(
                    "there is no {kind} `{}`, so the API server does not call this webhook",
                    self.settings.installation.configurations
                )),
                Err(error) => Some(error.to_string()),
            };
            are_kept &= told.is_none();
            let about = if kind == Kind::Mutating { "mutating configuration" } else { "validating configuration" };
            self.trouble(about, told);
        }
        are_kept
    }

    /// Finds out whether requests come through.
    async fn try_out(&mut self) -> Change {
        let mut probed = self.probe().await;
        let is_new = self.belief.as_ref().is_some_and(|belief| belief.since().is_none());
        for _ in 1..if is_new { PROBES } else { 1 } {
            if !matches!(probed, Probed::Unanswered(_)) {
                break;
            }
            sleep(PAUSE).await;
            probed = self.probe().await;
        }
        let told = match &probed {
            Probed::Answered => None,
            Probed::Unanswered(why) => {
                Some(format!("a request through the API server was not answered by this webhook: {why}"))
            }
            Probed::Unknown(why) => Some(format!("whether requests come through the API server is not known: {why}")),
        };
        self.metrics.probed(probed.word());
        self.trouble("probe", told);
        let belief = self.belief.get_or_insert_default();
        let change = belief.learn(&probed, Instant::now(), &Timestamp::now().to_string());
        self.metrics.proved(belief.since().is_some());
        match (change, probed) {
            (Change::Proved, _) => {
                let said = "requests come through the API server and back; the failure policies that were asked for take effect";
                tracing::info!("{said}");
                self.events.tell("Proved", said).await;
            }
            (Change::Lost, Probed::Unanswered(why)) => {
                let said =
                    format!("requests do not come through any more, so every failurePolicy becomes Ignore: {why}");
                tracing::error!("{said}");
                self.events.warn("NotServing", &said).await;
            }
            _ => {}
        }
        change
    }

    async fn probe(&self) -> Probed {
        for kind in KINDS {
            let probed = probe(&self.client, &self.settings.installation, kind).await;
            if probed != Probed::Answered {
                return probed;
            }
        }
        Probed::Answered
    }

    /// Says goodbye. Where nobody is left to answer, nothing may be refused for that.
    pub(super) async fn leave(&mut self, leads: Option<watch::Receiver<bool>>) {
        if let Err(error) = self.members.leave().await {
            tracing::warn!(%error, "this replica could not be taken off the list");
        }
        let others = self.members.others().await.map(|others| others.recent);
        if matches!(others, Ok(0)) && self.settings.wanted.is_some() {
            let mut live = self.live().await;
            let anchor = self.anchor().await;
            if live.is_proved() && self.may_write(&anchor).await {
                tracing::info!("the last replica ends, so every failurePolicy becomes Ignore");
                self.belief = Some(Belief::default());
                let bundle = self.bundle(&live, None);
                self.keep(&anchor, &mut live, bundle.as_ref(), false).await;
            }
        }
        // Its end tells the manager of the Lease to release it.
        drop(leads);
    }

    pub(super) async fn anchor(&self) -> Anchor {
        let name = &self.settings.installation.anchor;
        match Api::<ClusterRole>::all(self.client.clone()).get_opt(name).await {
            Ok(Some(role)) => role.owner_ref(&()).map_or(Anchor::Absent, Anchor::Known),
            Ok(None) => Anchor::Absent,
            Err(error) => Anchor::Unknown(explain(&error, "get", "clusterroles")),
        }
    }

    async fn live(&mut self) -> Live {
        let mut live = Live { found: [None, None], is_known: true };
        let mut told = None;
        for (kind, found) in KINDS.into_iter().zip(&mut live.found) {
            match self.configurations.live(kind).await {
                Ok(now) => *found = now,
                Err(error) => {
                    live.is_known = false;
                    told.get_or_insert(error.to_string());
                }
            }
        }
        self.trouble("configurations", told);
        live
    }

    /// Counts a trouble, and says it where it is new, which is what comes back.
    pub(super) fn trouble(&mut self, about: &'static str, told: Option<String>) -> bool {
        let Some(told) = told else {
            if self.troubles.remove(about).is_some() {
                tracing::info!(about, "the trouble is over");
            }
            return false;
        };
        self.metrics.keeper_error(about);
        let is_new = self.troubles.get(about) != Some(&told);
        if is_new {
            tracing::warn!(about, "{told}");
            self.troubles.insert(about, told);
        }
        is_new
    }
}
