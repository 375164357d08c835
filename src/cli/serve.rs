//! `flink-admission serve`: the webhook.
//!
//! ```text
//! flink-admission serve --self-signed
//! ```
//! answers on 127.0.0.1:8443 with an in-memory certificate and the built-in policy, and needs no cluster.

mod cluster;
mod welcome;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use arc_swap::ArcSwap;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::policy::Policies;
use crate::server::{self, Config, Limits, Parts, Server};
use crate::telemetry::{Metrics, logs};
use crate::tls::{Authority, Clients, ServingCertificate, files};

/// How often certificate files are read anew.
const FILES_EVERY: Duration = Duration::from_secs(2);
/// A certificate of `--self-signed` outlives the trial.
const TRIAL: Duration = Duration::from_hours(365 * 24);

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Address for the API server (TLS); port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8443", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Address for probes and metrics (plain HTTP): /healthz, /readyz, /metrics
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    observe: SocketAddr,
    /// File with a FlinkPolicy; the built-in policy without it
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Make a CA and a certificate for localhost in memory, and write a sample review to try them with
    #[arg(long, conflicts_with_all = ["tls_cert", "service"])]
    self_signed: bool,
    /// Where --self-signed writes its CA certificate; a file in the temporary directory without it
    #[arg(long, value_name = "FILE", requires = "self_signed")]
    ca_out: Option<PathBuf>,
    /// Certificate chain in PEM, read anew when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Authorities (PEM) of which a client must show a certificate; everybody may connect without it
    #[arg(long, value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// How long to go on serving after SIGTERM, until every client has seen that this replica leaves
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = duration)]
    drain: Duration,
    /// How long requests in flight may take to finish after that
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = duration)]
    finish: Duration,
    #[command(flatten, next_help_heading = "Cluster")]
    cluster: cluster::ClusterArguments,
    #[command(flatten, next_help_heading = "Limits")]
    limits: LimitArguments,
}

/// Bounds that a platform may have to move; the defaults suit an API server.
#[derive(Debug, Args)]
struct LimitArguments {
    /// timeoutSeconds of the webhook configurations
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = duration)]
    webhook_timeout: Duration,
    /// For a TLS handshake
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = duration)]
    handshake_timeout: Duration,
    /// For a request's header, from its first byte
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = duration)]
    header_timeout: Duration,
    /// For a request's body
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = duration)]
    body_timeout: Duration,
    /// For an idle connection; an API server keeps its own for 90s
    #[arg(long, default_value = "180s", value_name = "TIME", value_parser = duration)]
    idle_timeout: Duration,
    /// Connections open at one time
    #[arg(long, default_value_t = 1024, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: u32,
    /// Reviews answered at one time
    #[arg(long, default_value_t = 256, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    max_reviews: u32,
    /// MiB of request bodies held at one time
    #[arg(long, default_value_t = 64, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=4095))]
    max_bodies: u32,
}

impl LimitArguments {
    fn limits(&self) -> anyhow::Result<Limits> {
        Ok(Limits {
            bodies: usize::try_from(self.max_bodies)? << 20,
            reviews: usize::try_from(self.max_reviews)?,
            connections: usize::try_from(self.max_connections)?,
            handshake: self.handshake_timeout,
            header: self.header_timeout,
            body_time: self.body_timeout,
            idle: self.idle_timeout,
            webhook_timeout: self.webhook_timeout,
            ..Limits::default()
        })
    }
}

/// Where the serving certificate comes from.
enum Source {
    SelfSigned(welcome::Trial),
    Files(files::Pair, files::Content),
    Cluster,
}

impl Arguments {
    /// Serves until a signal says otherwise.
    ///
    /// # Errors
    /// A policy, certificate or address that does not serve.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        logs::start();
        if !self.self_signed && self.tls_cert.is_none() && !self.cluster.keeps_certificate() {
            bail!(
                "there is no certificate to serve with: give --self-signed to try it, --tls-cert with --tls-key, or \
                 --cluster with --service and --namespace"
            );
        }
        let policies = self.policies()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.serve(policies))?;
        Ok(ExitCode::SUCCESS)
    }

    fn policies(&self) -> anyhow::Result<Policies> {
        let Some(path) = &self.policy else { return Ok(Policies::built_in()) };
        let text = std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
        let policies = Policies::from_text(&text).with_context(|| format!("`{}` is refused", path.display()))?;
        if policies.asks_for_provisioning() {
            bail!(
                "`{}` is refused: it asks for provisioning (`spec.serviceAccount.provision` or \
                 `spec.volumes[].provision`), which this version cannot do, so clusters would wait for objects that \
                 nobody makes; remove `provision` and create those objects yourself",
                path.display()
            );
        }
        Ok(policies)
    }

    async fn serve(&self, policies: Policies) -> anyhow::Result<()> {
        let limits = self.limits.limits()?;
        let described = policies.describe();
        for missing in policies.not_done_yet() {
            tracing::warn!("{missing}");
        }
        let clients = self.client_ca.as_deref().map(Clients::of_file).transpose()?.unwrap_or_default();
        let config = Config { listen: self.listen, observe: self.observe, limits, finish: self.finish, clients };
        let server = Server::bind(config).await.context("choose another address with `--listen` or `--observe`")?;
        let (certificate, metrics) = (Arc::new(ServingCertificate::default()), Arc::new(Metrics::default()));
        match self.certificate(&certificate)? {
            Source::SelfSigned(trial) => trial.print(server.address(), server.observe_address(), &described)?,
            Source::Files(pair, content) => {
                let (certificate, metrics) = (Arc::clone(&certificate), Arc::clone(&metrics));
                let broken = move |is_broken| metrics.certificate_files_broken(is_broken);
                tokio::spawn(files::follow(pair, content, certificate, FILES_EVERY, broken));
            }
            Source::Cluster => {}
        }
        let mut stop = std::pin::pin!(stop(self.drain)?);
        let cluster = tokio::select! {
            cluster = self.cluster.join(&certificate, &metrics) => cluster?,
            // Nobody calls it yet.
            _ = &mut stop => return Ok(()),
        };
        let (listen, observe) = (server.address(), server.observe_address());
        tracing::info!(%listen, %observe, policies = described.join("; ").as_str(), "serving");
        let policies = Arc::new(ArcSwap::from_pointee(policies));
        let parts = Parts { policies, look_up: cluster.look_up, certificate, metrics };
        let (stopping, keeping) = (cluster.stopping, cluster.keeping);
        #[expect(clippy::async_yields_async, reason = "draining begins with the one and ends with the other")]
        let stop = async {
            let grace = stop.await;
            stopping.notify_one();
            // The last replica opens the configurations, while there is somebody to answer; that takes seconds at most.
            async move {
                let leave = async { if let Some(keeping) = keeping { keeping.await } else { Ok(()) } };
                if let (Err(error), ()) = tokio::join!(leave, tokio::time::sleep(grace)) {
                    tracing::error!(%error, "the task that keeps certificates and webhook configurations failed");
                }
            }
        };
        Ok(server.run(parts, stop).await?)
    }

    fn certificate(&self, certificate: &ServingCertificate) -> anyhow::Result<Source> {
        if let (Some(chain), Some(key)) = (&self.tls_cert, &self.tls_key) {
            let (chain, key) = (chain.clone(), key.clone());
            let pair = files::Pair { chain, key, server: self.cluster.server_name(), ca: self.cluster.ca.clone() };
            let content = pair.read()?;
            let parsed = pair.parse(&content)?;
            if let Err(error) = pair.judge(&parsed) {
                tracing::error!(%error, "the API server will refuse this certificate, and there is no other one");
            }
            certificate.replace(parsed);
            return Ok(Source::Files(pair, content));
        }
        if self.cluster.keeps_certificate() {
            return Ok(Source::Cluster);
        }
        let (now, address) = (SystemTime::now(), self.listen.ip().to_string());
        let authority = Authority::generate(now, TRIAL)?;
        let leaf = authority.mint(&["localhost", "127.0.0.1", "::1", &address], now, TRIAL)?;
        certificate.replace(leaf.served);
        Ok(Source::SelfSigned(welcome::Trial::write(&authority, self.ca_out.as_deref())?))
    }
}

/// Yields at the first signal how long to go on serving: `grace` after SIGTERM, nothing after Ctrl-C, behind which sits a
/// person. A later signal ends the process at once; one within a second is the same one, sent to process and group.
fn stop(grace: Duration) -> std::io::Result<impl Future<Output = Duration>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        let grace = tokio::select! {
            _ = terminate.recv() => grace,
            _ = interrupt.recv() => Duration::ZERO,
        };
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let (Ok(mut terminate), Ok(mut interrupt)) =
                (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
            else {
                return;
            };
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::warn!("a second signal ends the program at once");
            std::process::exit(1);
        });
        grace
    })
}

/// A time such as `10s`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    server::parse_duration(text).ok_or_else(|| format!("`{text}` is no duration such as `10s`, `1m30s` or `500ms`"))
}
