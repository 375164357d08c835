//! `flink-admission doctor`: whether the API server can call the webhook, and what is in the way.
//!
//! ```text
//! flink-admission doctor --namespace flink-admission --service flink-admission
//! ```
//!
//! Exit status: 0 when nothing is wrong, 1 when something is, 2 when nothing could be asked.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use kube::Client;

use super::serve::duration;
use super::{Format, Status, written};
use crate::cluster::{self, ConnectError};
use crate::doctor::{self, Names, Report, State};

/// Check an installation, from a laptop or in the cluster: who answers, who is trusted, what is configured
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    installation: Installation,
    /// Form of the report
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
    /// Take warnings for errors
    #[arg(long)]
    strict: bool,
}

/// Which installation, and how long to wait for the API server.
#[derive(Debug, Args)]
pub(super) struct Installation {
    /// Namespace of the installation
    #[arg(long, short, default_value = "flink-admission", value_name = "NAME", value_parser = super::dns_label)]
    namespace: String,
    /// Service of the installation, after which the chart names everything
    #[arg(long, default_value = "flink-admission", value_name = "NAME", value_parser = super::dns_label)]
    service: String,
    /// For each answer of the API server
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = duration)]
    pub(super) timeout: Duration,
}

impl Installation {
    pub(super) fn names(&self) -> Names {
        Names::new(&self.namespace, &self.service)
    }
}

impl Arguments {
    /// Asks, judges and prints.
    ///
    /// # Errors
    /// There is no way to an API server.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let report = runtime()?.block_on(self.report())?;
        let mut output = anstream::stdout().lock();
        let printed = match self.output {
            Format::Text => report.text(&mut output),
            Format::Json => report.json(&mut output),
        };
        Ok(written(printed.and_then(|()| output.flush()), self.status(&report))?.into())
    }

    async fn report(&self) -> anyhow::Result<Report> {
        // Every pod has it.
        let is_inside = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
        let client = connect().await?;
        Ok(doctor::examine(client, &self.installation.names(), is_inside, self.installation.timeout).await)
    }

    fn status(&self, report: &Report) -> Status {
        if !report.was_asked() {
            return Status::Unreadable;
        }
        let enough = if self.strict { State::Warning } else { State::Error };
        if report.worst() >= enough { Status::Denied } else { Status::Passed }
    }
}

/// A client by `KUBECONFIG` or the ServiceAccount of the pod.
pub(super) async fn connect() -> anyhow::Result<Client> {
    cluster::connect().await.map_err(|error| match error {
        ConnectError::Unconfigured(why) => anyhow!(
            "no way to the API server was found, so nothing can be asked ({why}); set KUBECONFIG, or run it in a pod with \
             a ServiceAccount token"
        ),
        error @ ConnectError::Unusable(_) => error.into(),
    })
}

/// One thread is enough to wait.
pub(super) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
