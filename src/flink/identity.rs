//! The id of a standalone cluster, such that all of its roles derive the same one without seeing each other.

use std::net::IpAddr;

use serde_json::Value;

use crate::flink::cluster::Cluster;
use crate::flink::options::JOBMANAGER_ADDRESS;
use crate::object::{annotation, at, label, text};

/// Annotation that names the cluster an object belongs to.
pub const CLUSTER_ANNOTATION: &str = "flink-admission.io/cluster-id";

/// Words of a name that say the role and not the cluster.
const ROLE_WORDS: [&str; 8] =
    ["jobmanager", "taskmanager", "jm", "tm", "jobmanagers", "taskmanagers", "job-manager", "task-manager"];

/// What the name of a Service has behind that of its pods.
const SERVICE_WORDS: [&str; 4] = ["-rpc", "-svc", "-service", "-headless"];

/// Labels that the roles of a cluster share, the most telling first.
const SHARED_LABELS: [&str; 2] = ["app.kubernetes.io/instance", "app"];

/// The id of the cluster that a role in `object`, called `name`, belongs to; `None` where nothing says it.
///
/// It is `configured`, the `kubernetes.cluster-id` of its author; else the annotation; else what the JobManager's address and
/// the name say, without role words; where both are nothing but role words, a label that the roles share.
///
/// The address is the one thing that both roles read, whatever they are called: `orders` and `orders-taskmanager-large` at
/// `orders` are one cluster. Where it and the name speak of two clusters, neither is believed.
#[must_use]
pub fn of_role(object: &Value, name: Option<&str>, configured: Option<String>, cluster: &Cluster) -> Option<String> {
    derive(object, name, configured, Host::of(cluster))
}

fn derive(object: &Value, name: Option<&str>, configured: Option<String>, host: Host) -> Option<String> {
    let template = at(object, &["spec", "template"]).unwrap_or(&Value::Null);
    let either = |read: &dyn Fn(&Value) -> Option<String>| read(object).or_else(|| read(template));
    let shared = || SHARED_LABELS.iter().find_map(|key| either(&|object| label(object, key).and_then(of_label)));
    let by_name = || name.map(|name| without_run(object, name)).and_then(without_role);
    let derived = || match host {
        Host::Silent => by_name().or_else(|| name.filter(|name| ROLE_WORDS.contains(name)).and_then(|_| shared())),
        // A name that says the role alone is the only one in its namespace; others may share labels with other clusters.
        Host::Role => shared(),
        Host::Named(host) => Some(host).filter(|host| by_name().is_none_or(|name| are_related(host, &name))),
    };
    configured
        .or_else(|| either(&|object| annotation(object, CLUSTER_ANNOTATION).map(str::to_owned)))
        .or_else(derived)
        .filter(|id| is_id(id))
}

/// What the address of the JobManager says of its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    /// Nothing: there is none, or it is that of one pod.
    Silent,
    /// It is a role word: `jobmanager`.
    Role,
    /// The id without its role word.
    Named(String),
}

impl Host {
    /// What the first address that names a host says, the one in force or one below it: under HA a JobManager's is its pod's.
    fn of(cluster: &Cluster) -> Self {
        let setting = cluster.leading().and_then(|view| view.config.exact(JOBMANAGER_ADDRESS));
        let values = setting.into_iter().flat_map(|setting| {
            let lower = setting.overrode.iter().map(|lower| lower.value.as_str());
            std::iter::once(setting.value.as_str()).chain(lower)
        });
        values.map(Self::parse).find(|host| *host != Self::Silent).unwrap_or(Self::Silent)
    }

    fn parse(address: &str) -> Self {
        let address = address.trim();
        let (first, rest) = address.split_once('.').unwrap_or((address, ""));
        // `orders-jobmanager-0.orders` is the first pod of a StatefulSet, which knows no address of its own.
        let is_pod = || !rest.is_empty() && number_of(first).is_some();
        if !is_id(first) || first == "localhost" || address.parse::<IpAddr>().is_ok() || is_pod() {
            return Self::Silent;
        }
        let service = SERVICE_WORDS.iter().find_map(|word| first.strip_suffix(word)).unwrap_or(first);
        if ROLE_WORDS.contains(&service) {
            return Self::Role;
        }
        Self::Named(without_role(service).unwrap_or_else(|| service.to_owned()))
    }
}

/// Whether one of two ids is the other, or that and words more: `orders-large` is a pool of `orders`.
fn are_related(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Whether Flink and Kubernetes take `id`: it becomes a label's value and the beginning of the names of ConfigMaps.
#[must_use]
pub fn is_id(id: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let is_edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=63).contains(&id.len()) && id.bytes().all(inner) && id.starts_with(is_edge) && id.ends_with(is_edge)
}

/// `name` without its role word; `None` where it has none, or is nothing else.
fn without_role(name: &str) -> Option<String> {
    for word in ROLE_WORDS {
        let rest = name
            .strip_prefix(word)
            .and_then(|rest| rest.strip_prefix('-'))
            .or_else(|| name.strip_suffix(word).and_then(|rest| rest.strip_suffix('-')))
            .map(str::to_owned)
            .or_else(|| name.split_once(&format!("-{word}-")).map(|(before, after)| format!("{before}-{after}")));
        if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
            return Some(rest);
        }
    }
    None
}

/// `name` and the number behind it.
fn number_of(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once('-').filter(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `name` of a Job without the number of its run: `orders-jobmanager-20251101` is `orders-jobmanager` deployed anew.
fn without_run<'a>(object: &Value, name: &'a str) -> &'a str {
    let is_of_role =
        |base: &str| ROLE_WORDS.iter().any(|word| base.strip_suffix(word).is_some_and(|rest| rest.ends_with('-')));
    match number_of(name).filter(|_| text(object, &["kind"]) == Some("Job")) {
        Some((base, _)) if is_of_role(base) => base,
        _ => name,
    }
}

/// A label's value, unless it is nothing but a role word.
fn of_label(value: &str) -> Option<String> {
    let whole = (!ROLE_WORDS.contains(&value) && !value.is_empty()).then(|| value.to_owned());
    without_role(value).or(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_roles_come_to_the_same_name() {
        for name in ["flink-jobmanager", "jobmanager-flink", "flink-tm", "flink-taskmanager", "flink-job-manager"] {
            assert_eq!(without_role(name).as_deref(), Some("flink"), "{name}");
        }
        assert_eq!(without_role("a-jobmanager-b").as_deref(), Some("a-b"));
        assert_eq!(without_role("jobmanager"), None);
        assert!(is_id("flink-2.a") && !is_id("../My Cluster") && !is_id("") && !is_id("-a"));
        assert_eq!(without_role("engine-control"), None);
        for (kind, id) in [("Job", "orders"), ("Deployment", "orders-20251101")] {
            let object = serde_json::json!({"kind": kind});
            assert_eq!(
                derive(&object, Some("orders-jobmanager-20251101"), None, Host::Silent).as_deref(),
                Some(id),
                "{kind}"
            );
        }
        assert_eq!(of_label("dunning").as_deref(), Some("dunning"));
    }

    #[test]
    fn the_address_decides_where_names_differ() {
        let prod = serde_json::json!({"metadata": {"labels": {"app": "prod"}}});
        for (name, address, id) in [
            ("orders-taskmanager-large", "orders-jobmanager", Some("orders")),
            ("orders-large-taskmanager", "orders-jobmanager.shop.svc", Some("orders")),
            ("orders-taskmanager-large", "orders-jobmanager-large", Some("orders-large")),
            ("orders-taskmanager", "orders", Some("orders")),
            ("orders", "orders", Some("orders")),
            ("flink-master", "flink-master", Some("flink-master")),
            ("flink-worker", "flink-jm", Some("flink")),
            ("orders-jobmanager-1", "orders-jobmanager", Some("orders")),
            ("orders-taskmanager", "orders-jobmanager-rpc", Some("orders")),
            ("orders-taskmanager", "orders-jobmanager-1", Some("orders-1")),
            // The first pod of a StatefulSet.
            ("orders-taskmanager", "orders-jobmanager-0.orders", Some("orders")),
            // What says nothing.
            ("orders-taskmanager", "10.0.0.7", Some("orders")),
            ("orders-taskmanager", "localhost", Some("orders")),
            ("orders-taskmanager", "$(POD_IP)", Some("orders")),
            ("orders-taskmanager", "", Some("orders")),
            // A role word is a name where labels say of which cluster.
            ("flink-taskmanager", "jobmanager", Some("prod")),
            ("jobmanager", "jobmanager", Some("prod")),
            ("jobmanager", "", Some("prod")),
            // Two clusters, one of them with the address of the other.
            ("orders-jobmanager", "payments-jobmanager", None),
            ("orders-taskmanager", "flink", None),
            ("orders2-taskmanager", "orders-jobmanager", None),
        ] {
            assert_eq!(derive(&prod, Some(name), None, Host::parse(address)).as_deref(), id, "{name} at {address}");
        }
        assert_eq!(derive(&Value::Null, Some("flink-taskmanager"), None, Host::Role), None);
    }
}
