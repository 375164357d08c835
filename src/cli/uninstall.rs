//! `flink-admission uninstall`: what `helm uninstall` does to the webhook, by hand, also where half of it is gone.
//!
//! ```text
//! flink-admission uninstall --namespace flink-admission --service flink-admission --dry-run
//! ```
//!
//! Exit status: 0 when it is gone, 1 when it is not (clusters would lose their high availability, or an object was not
//! to be removed), 2 when nothing could be asked.

use std::collections::BTreeSet;
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
        let is_certain = clusters.iter().all(|cluster| cluster.is_certain);
        let is_safe = clusters.is_empty() && removal.scan.unknown.is_empty();
        if !(is_safe || self.yes || self.dry_run) {
            *status = Status::Denied;
            let then = if is_certain { "" } else { ", which is right once it stands there" };
            return writeln!(
                errors,
                "error: nothing was removed, since clusters may lose their high availability at the next `apply`; put \
                 it into Git first as above and apply that, or give `--yes`{then}"
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
        let doubt = if cluster.is_certain { "" } else { " (unless its manifest says so by now, which is not known)" };
        writeln!(output, "  {}: {}{doubt}", plain(&cluster.title()), plain(&cluster.values.join(", ")))?;
    }
    writeln!(
        output,
        "put it into Git, for each manifest:\n  kubectl get configmap {} -n {} -o \
         jsonpath='{{.data.policy\\.yaml}}' > policy.yaml",
        names.policy(),
        names.namespace
    )?;
    let namespaces: BTreeSet<&str> = clusters.iter().map(|cluster| cluster.namespace.as_str()).collect();
    for namespace in namespaces {
        writeln!(
            output,
            "  flink-admission render --policy policy.yaml --namespace {} MANIFEST.yaml > RENDERED.yaml",
            plain(namespace)
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_namespace_has_its_command_once() {
        let completed = |kind: &str, namespace: &str, is_certain| Completed {
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: "orders".to_owned(),
            values: vec!["high-availability.type=kubernetes".to_owned()],
            has_ha: true,
            is_certain,
        };
        // By kind, as they are listed.
        let all = [
            completed("FlinkDeployment", "a", true),
            completed("FlinkDeployment", "b", true),
            completed("Deployment", "a", false),
        ];
        let mut output = Vec::new();
        tell(&all.iter().collect::<Vec<_>>(), &Names::new("flink", "webhook"), &mut output).unwrap();
        let output = String::from_utf8(output).unwrap();
        assert_eq!(output.matches("flink-admission render").count(), 2, "{output}");
        let doubted: Vec<&str> = output.lines().filter(|line| line.contains("not known")).collect();
        assert!(doubted.len() == 1 && doubted[0].contains("Deployment a/orders"), "{output}");
    }
}
