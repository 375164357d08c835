//! `flink-admission uninstall`: what `helm uninstall` does to the webhook, by hand, also where half of it is gone.
//!
//! ```text
//! flink-admission uninstall --namespace flink-admission --service flink-admission --dry-run
//! ```
//!
//! Exit status: 0 when it is gone, 1 when it is not (clusters would lose their high availability, or an object was not
//! to be removed), 2 when nothing could be asked.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;

use super::doctor::{Installation, connect, runtime};
use super::{Status, written};
use crate::doctor::{Completed, Names, Removal, Removed};
use crate::report::plain;

/// Remove the webhook configurations, the Secret and the Leases; never CRDs, policies, claims
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    installation: Installation,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Remove it although clusters have high availability only by injection, or where that cannot be known
    #[arg(long, short)]
    yes: bool,
}

impl Arguments {
    /// Looks, tells and removes.
    ///
    /// # Errors
    /// There is no way to an API server.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let mut output = anstream::stdout().lock();
        let mut errors = anstream::stderr().lock();
        let mut status = Status::Passed;
        let told = runtime()?.block_on(async {
            let names = self.installation.names();
            let client = connect().await?;
            let removal = Removal::plan(client, &names, self.installation.timeout).await;
            let removal = removal.map_err(|why| anyhow!("nothing was removed: {why}"))?;
            Ok::<_, anyhow::Error>(self.remove(&removal, &names, &mut status, &mut output, &mut errors).await)
        })?;
        Ok(written(told.and_then(|()| output.flush()), status)?.into())
    }

    async fn remove(
        &self,
        removal: &Removal,
        names: &Names,
        status: &mut Status,
        output: &mut dyn Write,
        errors: &mut dyn Write,
    ) -> io::Result<()> {
        let clusters: Vec<&Completed> = removal.scan.with_ha().collect();
        tell(&clusters, names, output)?;
        for why in &removal.scan.unknown {
            writeln!(output, "not known: {}", plain(why))?;
        }
        let is_safe = clusters.is_empty() && removal.scan.unknown.is_empty();
        if !(is_safe || self.yes || self.dry_run) {
            *status = Status::Denied;
            return writeln!(
                errors,
                "error: nothing was removed, since clusters may lose their high availability at the next `apply`; put \
                 it into Git first as above, or give `--yes`"
            );
        }
        for gone in &removal.gone {
            writeln!(output, "gone already {gone}")?;
        }
        for step in &removal.steps {
            let (kind, name) = (step.kind, &step.name);
            if self.dry_run {
                writeln!(output, "would remove {kind}/{name}")?;
                continue;
            }
            match removal.remove(step).await {
                Removed::Done => writeln!(output, "removed      {kind}/{name}")?,
                Removed::GoneAlready => writeln!(output, "gone already {kind}/{name}")?,
                Removed::Failed(why) => {
                    *status = Status::Denied;
                    writeln!(errors, "error: {kind}/{name} was not removed: {}", plain(&why))?;
                }
            }
        }
        for left in &removal.left {
            *status = Status::Denied;
            writeln!(errors, "error: left alone {}", plain(left))?;
        }
        if removal.replicas > 0 {
            writeln!(
                errors,
                "warning: the Deployment still runs and makes its Secret and Leases anew; remove it: kubectl delete \
                 deployment {} -n {}",
                names.service, names.namespace
            )?;
        }
        Ok(())
    }
}

/// Lists what would be lost, and how it gets into Git.
fn tell(clusters: &[&Completed], names: &Names, output: &mut dyn Write) -> io::Result<()> {
    if clusters.is_empty() {
        return Ok(());
    }
    writeln!(output, "high availability by injection alone, which the next `apply` without the webhook takes away:")?;
    for cluster in clusters {
        writeln!(output, "  {}: {}", plain(&cluster.title()), plain(&cluster.values.join(", ")))?;
    }
    writeln!(
        output,
        "put it into Git, for each manifest:\n  kubectl get configmap {} -n {} -o \
         jsonpath='{{.data.policy\\.yaml}}' > policy.yaml",
        names.policy(),
        names.namespace
    )?;
    let mut namespaces: Vec<&str> = clusters.iter().map(|cluster| cluster.namespace.as_str()).collect();
    namespaces.dedup();
    for namespace in namespaces {
        writeln!(
            output,
            "  flink-admission render --policy policy.yaml --namespace {} MANIFEST.yaml > RENDERED.yaml",
            plain(namespace)
        )?;
    }
    Ok(())
}
