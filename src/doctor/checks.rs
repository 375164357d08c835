//! The checks: what is known of a cluster becomes findings, and nothing is asked.

mod calls;
mod certificates;
mod configurations;
mod drift;
mod failure_policy;
mod flink;
mod installed;
mod members;
mod namespaces;
mod server;

use serde_json::Value;

use super::finding::Finding;
use super::seen::{Cluster, Seen};
use super::settings::Settings;
use crate::cluster::{KINDS, Kind};
use crate::object::{list, name, text};

/// What the API server is asked about in any case.
const ALWAYS: [Judge; 3] = [server::version, server::clock, installed::installation];
/// What only an installation has.
const OF_INSTALLATION: [Judge; 14] = [
    installed::anchor,
    installed::service,
    installed::replicas,
    installed::rights,
    members::leader,
    members::members,
    configurations::present,
    drift::drift,
    failure_policy::failure_policy,
    certificates::authority,
    certificates::bundle,
    certificates::served,
    calls::probe,
    namespaces::namespaces,
];
/// What the cluster has, with and without one.
const OF_CLUSTER: [Judge; 3] = [configurations::second, flink::resources, flink::injected];

/// One check.
type Judge = fn(&Context<'_>) -> Vec<Finding>;

/// What all checks find. Where there is nothing at all, that is said once.
pub(super) fn all(cluster: &Cluster) -> Vec<Finding> {
    let settings = Settings::of(cluster.deployment.known());
    let context = Context { cluster, settings };
    let of_installation: &[Judge] = if installed::is_missing(cluster) { &[] } else { &OF_INSTALLATION };
    ALWAYS.iter().chain(of_installation).chain(&OF_CLUSTER).flat_map(|check| check(&context)).collect()
}

/// What the checks share.
struct Context<'a> {
    cluster: &'a Cluster,
    settings: Settings,
}

impl<'a> Context<'a> {
    /// The configuration of `kind` as it is wanted; `None` where the ConfigMap does not say.
    fn wanted(&self, kind: Kind) -> Option<Value> {
        let text_of_file = text(self.cluster.file.known()?, &["data", "webhooks.yaml"])?;
        let documents = crate::yaml::documents(text_of_file).ok()?;
        documents.into_iter().map(|document| document.value).find(|value| text(value, &["kind"]) == Some(kind.name()))
    }

    /// Both configurations that are there.
    fn live(&self) -> impl Iterator<Item = (Kind, &'a Value)> {
        let cluster = self.cluster;
        KINDS.into_iter().filter_map(move |kind| Some((kind, cluster.configuration(kind).known()?)))
    }

    /// Their entries.
    fn entries(&self) -> impl Iterator<Item = (Kind, &'a Value)> {
        self.live().flat_map(|(kind, configuration)| entries(configuration).iter().map(move |entry| (kind, entry)))
    }

    /// How many replicas are ready, by the Service's endpoints, else by the Deployment; `None` where neither is known.
    fn ready(&self) -> Option<usize> {
        if let (Seen::Known(_), Seen::Known(_)) = (&self.cluster.slices, &self.cluster.service) {
            return Some(super::endpoints::ready(self.cluster, 443).len());
        }
        let deployment = self.cluster.deployment.known()?;
        usize::try_from(crate::object::integer(deployment, &["status", "readyReplicas"]).unwrap_or_default()).ok()
    }

    /// Our configuration of `kind`, as findings name it.
    fn subject(&self, kind: Kind) -> String {
        format!("{}/{}", kind.name(), self.cluster.names.service)
    }

    /// An object of our namespace, as findings name it.
    fn own(&self, kind: &str, name: &str) -> String {
        format!("{kind}/{}/{name}", self.cluster.names.namespace)
    }

    /// The command that shows who changed `kind` of ours.
    fn who_changed(&self, kind: Kind) -> String {
        format!("kubectl get {} {} -o yaml --show-managed-fields", kind.plural(), self.cluster.names.service)
    }
}

/// The entries of a webhook configuration.
fn entries(configuration: &Value) -> &[Value] {
    list(configuration, &["webhooks"])
}

/// The name of an entry.
fn entry_name(entry: &Value) -> &str {
    name(entry).unwrap_or_default()
}

/// How a person says a number of seconds: `3 days`, `2 hours`, `40 s`.
fn in_words(seconds: i64) -> String {
    let (day, hour, minute) = (86_400, 3_600, 60);
    match seconds.abs() {
        span if span >= 2 * day => format!("{} days", seconds / day),
        span if span >= 2 * hour => format!("{} hours", seconds / hour),
        span if span >= 2 * minute => format!("{} minutes", seconds / minute),
        _ => format!("{seconds} s"),
    }
}
