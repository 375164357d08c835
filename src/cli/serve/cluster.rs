//! What `serve` has of a cluster: answers to questions, a certificate that the API server trusts, and the webhook
//! configurations by which it is called.
//!
//! ```text
//! flink-admission serve --cluster --service flink-admission --namespace flink-system --webhooks webhooks.yaml
//! ```

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::cluster::{self, Bundle, By, Installation, Keeper, LookUps, Settings, Source, Wanted};
use crate::server::{self, LookUp, NoCluster};
use crate::telemetry::Metrics;
use crate::tls::{ServingCertificate, files};

/// Arguments of `serve` about the cluster.
#[derive(Debug, Args)]
pub(super) struct ClusterArguments {
    /// Look objects up in the cluster of the pod or of KUBECONFIG; what cannot be looked up is judged as unknown
    #[arg(long)]
    cluster: bool,
    /// Service that the API server calls: keep the webhook configurations named like it and, without --tls-cert, a CA in the
    /// Secret `<SERVICE>-authority`
    #[arg(long, value_name = "SERVICE", requires_all = ["cluster", "namespace"])]
    service: Option<String>,
    /// Namespace of the Service and the Secret
    #[arg(long, value_name = "NAMESPACE", requires = "service")]
    namespace: Option<String>,
    /// The webhook configurations that are wanted, without `caBundle`; without it only `caBundle` is kept
    #[arg(long, value_name = "FILE", requires = "service")]
    webhooks: Option<PathBuf>,
    /// Who writes the webhook configurations
    #[arg(long, value_enum, default_value_t, requires = "webhooks")]
    webhooks_by: By,
    /// With --tls-cert: the authorities (PEM) that the API server is to trust, written into `caBundle`
    #[arg(long, value_name = "FILE", requires_all = ["service", "tls_cert"])]
    pub(super) ca: Option<PathBuf>,
    /// How often Secret and configurations are looked at, besides each change of them, and put right
    #[arg(long, default_value = "30s", value_name = "TIME", requires = "service", value_parser = super::duration)]
    check_every: Duration,
    /// How long the certificate of a replica is valid
    #[arg(long, default_value = "7d", value_name = "TIME", requires = "service", value_parser = life)]
    leaf_life: Duration,
    /// How long the CA is valid; another one takes its place after two thirds of that
    #[arg(long, default_value = "365d", value_name = "TIME", requires = "service", value_parser = life)]
    authority_life: Duration,
}

/// What `serve` has of the cluster.
pub(super) struct Cluster {
    /// Who answers questions.
    pub(super) look_up: Arc<dyn LookUp>,
    /// To be told when this replica begins to end.
    pub(super) stopping: Arc<Notify>,
    /// Keeps certificate and configurations until then.
    pub(super) keeping: Option<JoinHandle<()>>,
}

impl ClusterArguments {
    /// Whether the certificate comes from the cluster, unless it comes from files.
    pub(super) const fn keeps_certificate(&self) -> bool {
        self.service.is_some()
    }

    /// The name by which the API server calls, where that is known.
    pub(super) fn server_name(&self) -> Option<String> {
        let installation = Installation::of_service(self.service.as_deref()?, self.namespace.as_deref()?);
        installation.server_names().into_iter().next()
    }

    /// Connects, puts a leaf into `certificate` where the cluster keeps the authority, and starts the task that keeps it and
    /// the webhook configurations.
    ///
    /// # Errors
    /// There is no way to the API server, a file cannot be used, or no authority was to be had within a minute.
    pub(super) async fn join(
        &self,
        certificate: &Arc<ServingCertificate>,
        metrics: &Arc<Metrics>,
    ) -> anyhow::Result<Cluster> {
        let stopping = Arc::new(Notify::new());
        if !self.cluster {
            return Ok(Cluster { look_up: Arc::new(NoCluster), stopping, keeping: None });
        }
        let client = cluster::connect().await?;
        let mut keeping = None;
        if let (Some(service), Some(namespace)) = (&self.service, &self.namespace) {
            let settings = self.settings(Installation::of_service(service, namespace), certificate)?;
            let watching = cluster::connect_to_watch().await?;
            let (certificate, metrics) = (Arc::clone(certificate), Arc::clone(metrics));
            let keeper = Keeper::start(client.clone(), watching, settings, certificate, metrics).await?;
            let stopping = Arc::clone(&stopping);
            keeping = Some(tokio::spawn(async move { keeper.run(stopping.notified()).await }));
        }
        Ok(Cluster { look_up: Arc::new(LookUps::new(client)), stopping, keeping })
    }

    fn settings(&self, installation: Installation, certificate: &ServingCertificate) -> anyhow::Result<Settings> {
        // A certificate that is there already is one of files.
        let source = if certificate.not_after().is_some() {
            Source::Files(self.ca.clone().map(follow).transpose()?)
        } else {
            Source::Authority { leaf_life: self.leaf_life, authority_life: self.authority_life }
        };
        let wanted = self.webhooks.as_ref().map(|path| {
            let text = std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
            Wanted::read(&text).with_context(|| format!("`{}` is refused", path.display()))
        });
        Ok(Settings {
            installation,
            identity: identity(),
            source,
            wanted: wanted.transpose()?,
            by: self.webhooks_by,
            every: self.check_every,
        })
    }
}

/// The certificates in `file`, as often as it changes.
fn follow(file: PathBuf) -> anyhow::Result<watch::Receiver<Bundle>> {
    let bytes = std::fs::read(&file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    let bundle = Bundle::read(&bytes);
    if bundle.is_empty() {
        bail!("`{}` holds no certificate in PEM, so the API server would trust nobody", file.display());
    }
    let (read, mut changed) = watch::channel(bytes);
    let (tell, bundles) = watch::channel(bundle);
    tokio::spawn(files::follow_bytes(file, read, super::FILES_EVERY));
    tokio::spawn(async move {
        while changed.changed().await.is_ok() {
            let bundle = Bundle::read(&changed.borrow_and_update());
            if bundle.is_empty() {
                tracing::warn!("the file of `--ca` changed and holds no certificate; the old ones stay");
            } else if tell.send(bundle).is_err() {
                return;
            }
        }
    });
    Ok(bundles)
}

/// How long a certificate is valid: days, or a duration of at most one.
fn life(text: &str) -> Result<Duration, String> {
    let of_days = |days: u64| (1..=MOST_DAYS).contains(&days).then(|| Duration::from_hours(24 * days));
    let life = match text.strip_suffix('d').and_then(|days| days.parse().ok()) {
        Some(days) => of_days(days),
        None => server::parse_duration(text).filter(|life| *life >= SHORTEST_LIFE),
    };
    life.ok_or_else(|| {
        format!("`{text}` is no life of a certificate such as `90d`, `12h` or `30s`; 10s to {MOST_DAYS}d")
    })
}

/// Ten years.
const MOST_DAYS: u64 = 3650;
/// Less could not be renewed in time.
const SHORTEST_LIFE: Duration = Duration::from_secs(10);

/// What tells this replica from all others: the pod's name, else that of the machine and the process.
fn identity() -> String {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let own = set("POD_NAME").unwrap_or_else(|| {
        let host = set("HOSTNAME").unwrap_or_else(|| "replica".to_owned());
        format!("{host}-{}", std::process::id())
    });
    // It becomes part of an object's name.
    let own = own.to_ascii_lowercase().replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-', "-");
    own.trim_matches('-').chars().take(IDENTITY).collect()
}

/// The longest name of a pod.
const IDENTITY: usize = 63;
