//! The id of a standalone cluster, such that all of its roles derive the same one without seeing each other.

use std::net::IpAddr;

use serde_json::Value;

use crate::flink::cluster::Cluster;
use crate::flink::options::JOBMANAGER_ADDRESS;
use crate::object::{annotation, at, label, text};
use crate::policy::Role;

/// Annotation that names the cluster an object belongs to.
pub const CLUSTER_ANNOTATION: &str = "flink-admission.io/cluster-id";

/// Words of a name that say the role and not the cluster.
const ROLE_WORDS: [&str; 12] = [
    "jobmanager",
    "taskmanager",
    "jm",
    "tm",
    "jobmanagers",
    "taskmanagers",
    "job-manager",
    "task-manager",
    "master",
    "worker",
    "masters",
    "workers",
];

/// What the name of a Service has behind that of its pods.
const SERVICE_WORDS: [&str; 4] = ["-rpc", "-svc", "-service", "-headless"];

/// Labels that the roles of a cluster share, the most telling first.
const SHARED_LABELS: [&str; 2] = ["app.kubernetes.io/instance", "app"];

/// What one role of a standalone cluster shows of the cluster that it is of.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Its object.
    pub object: &'a Value,
    /// The object's name; `None` while the API server has not made it.
    pub name: Option<&'a str>,
    /// The object's namespace.
    pub namespace: &'a str,
    /// What Flink makes of it.
    pub cluster: &'a Cluster,
}

impl Shown<'_> {
    /// The id of its cluster; `None` where nothing says it.
    ///
    /// It is `configured`, the `kubernetes.cluster-id` of its author; else the annotation; else [`Shown::derived`].
    #[must_use]
    pub fn id(self, configured: Option<String>) -> Option<String> {
        let said = || either(self.object, |object| annotation(object, CLUSTER_ANNOTATION).map(str::to_owned));
        match configured.or_else(said) {
            Some(id) => Some(id).filter(|id| is_id(id)),
            None => self.derived(),
        }
    }

    /// The id that it has without anybody saying it: the JobManager's address without its role word, since that is the one
    /// thing that both roles read, whatever they are called. `orders` and `orders-taskmanager-large` at `orders` are one
    /// cluster.
    ///
    /// An address that is a role word and no more says nothing: there a label that the roles share does. A role that is given
    /// no address goes by its name. Where the address is something that only the other role or the cluster could make a name
    /// of, the other role may come to another id, so there is none.
    #[must_use]
    pub fn derived(self) -> Option<String> {
        let Self { object, name, .. } = self;
        let by_name = || name.map(|name| without_run(object, name)).and_then(without_role);
        // A name that says the role alone is the only one in its namespace; others may share labels with other clusters.
        let is_role = || name.is_some_and(|name| ROLE_WORDS.contains(&name));
        let id = match Host::of(self) {
            Host::Unset if is_role() => shared_label(object),
            Host::Unset => by_name(),
            Host::Role => shared_label(object),
            Host::Named(host) => Some(host),
            Host::Unclear => None,
        };
        id.filter(|id| is_id(id))
    }
}

/// The label that `object`, or its pods, share with the rest of their cluster, without its role word.
#[must_use]
pub fn shared_label(object: &Value) -> Option<String> {
    either(object, |object| SHARED_LABELS.iter().find_map(|key| label(object, key).and_then(of_label)))
}

fn either(object: &Value, read: impl Fn(&Value) -> Option<String>) -> Option<String> {
    read(object).or_else(|| read(at(object, &["spec", "template"])?))
}

/// What the address of the JobManager says of its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    /// There is none, or it is the pod's own.
    Unset,
    /// It is a role word: `jobmanager`.
    Role,
    /// The id without its role word.
    Named(String),
    /// Something else, of which the other role may know more or less.
    Unclear,
}

impl Host {
    /// What the first address says that names a host, the one in force or one below it: under HA a JobManager's is its pod's.
    ///
    /// The pods of a StatefulSet are called after it, so a JobManager in one is found by its name.
    fn of(shown: Shown<'_>) -> Self {
        let Shown { object, name, namespace, cluster } = shown;
        let view = cluster.leading();
        let setting = view.and_then(|view| view.config.exact(JOBMANAGER_ADDRESS));
        let values = setting.into_iter().flat_map(|setting| {
            let lower = setting.overrode.iter().map(|lower| lower.value.as_str());
            std::iter::once(setting.value.as_str()).chain(lower)
        });
        let is_job_manager = view.is_some_and(|view| view.role == Role::JobManager);
        // A variable of the JobManager's is its pod's address, but for those that Kubernetes makes of Services.
        let is_own = |address: &str| address.contains("$(") && is_job_manager && !address.contains("_SERVICE_HOST");
        let said = values
            .filter(|address| !is_own(address))
            .map(|address| Self::parse(address, namespace))
            .find(|host| *host != Self::Unset);
        let is_set_of_job_managers = text(object, &["kind"]) == Some("StatefulSet") && is_job_manager;
        match said {
            Some(host) => host,
            None if is_set_of_job_managers => name.map_or(Self::Unset, Self::called),
            None => Self::Unset,
        }
    }

    fn parse(address: &str, namespace: &str) -> Self {
        let address = address.trim();
        let is_own = matches!(address, "" | "localhost" | "0.0.0.0" | "127.0.0.1") || address.contains("POD_IP");
        let (first, rest) = address.split_once('.').unwrap_or((address, ""));
        let next = rest.split('.').next().unwrap_or_default();
        if is_own {
            return Self::Unset;
        }
        if !is_id(first) || address.parse::<IpAddr>().is_ok() {
            return Self::Unclear;
        }
        match number_of(first) {
            // The first pod of a StatefulSet, or a Service by its namespace.
            Some(_) if !next.is_empty() && next == namespace => Self::Unclear,
            Some((set, _)) if !next.is_empty() => Self::called(set),
            _ => Self::called(first),
        }
    }

    fn called(name: &str) -> Self {
        let service = SERVICE_WORDS.iter().find_map(|word| name.strip_suffix(word)).unwrap_or(name);
        if ROLE_WORDS.contains(&service) {
            return Self::Role;
        }
        Self::Named(without_role(service).unwrap_or_else(|| service.to_owned()))
    }
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
    use serde_json::json;

    use super::*;
    use crate::facts::Facts;
    use crate::workload::recognise;

    #[test]
    fn both_roles_come_to_the_same_name() {
        for name in ["flink-jobmanager", "jobmanager-flink", "flink-tm", "flink-taskmanager", "flink-job-manager"] {
            assert_eq!(without_role(name).as_deref(), Some("flink"), "{name}");
        }
        assert_eq!(without_role("a-jobmanager-b").as_deref(), Some("a-b"));
        assert_eq!(without_role("jobmanager"), None);
        assert!(is_id("flink-2.a") && !is_id("../My Cluster") && !is_id("") && !is_id("-a"));
        assert!(!is_id("a-") && !is_id("A") && !is_id("a_b") && is_id(&"a".repeat(63)) && !is_id(&"a".repeat(64)));
        assert_eq!((of_label("jobmanager"), of_label("")), (None, None));
        assert_eq!(without_role("engine-control"), None);
        assert_eq!(of_label("dunning").as_deref(), Some("dunning"));
        assert_eq!(of_label("orders-worker"), of_label("orders-master"));
    }

    /// The id of a role of `kind` called `name`, which reads `address`.
    fn id(kind: &str, role: &str, name: &str, address: Option<&str>) -> Option<String> {
        let mut args = vec![role.to_owned()];
        if let Some(address) = address {
            args.extend(["-D".to_owned(), format!("{JOBMANAGER_ADDRESS}={address}")]);
        }
        let container = json!({"name": "flink", "image": "flink:2.0.1", "args": args});
        let version = if kind == "Job" { "batch/v1" } else { "apps/v1" };
        let object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": {"app": "prod"}},
            "spec": {"template": {"spec": {"containers": [container]}}}});
        let workload = recognise(&object)?;
        let cluster = Cluster::of(&object, &workload, "shop", &Facts::default(), &[])?;
        Shown { object: &object, name: Some(name), namespace: "shop", cluster: &cluster }.derived()
    }

    #[test]
    fn both_roles_come_to_one_id_or_to_none() {
        for (job_manager, task_manager, address, expected) in [
            ("orders-jobmanager", "orders-taskmanager-large", "orders-jobmanager", Some("orders")),
            ("orders-jobmanager", "orders-large-taskmanager", "orders-jobmanager.shop.svc", Some("orders")),
            ("orders", "orders-taskmanager", "orders", Some("orders")),
            ("flink-master", "flink-taskmanager", "flink-master", Some("flink")),
            ("flink-jm", "flink-worker", "flink-jm", Some("flink")),
            ("orders-jobmanager-1", "orders-taskmanager", "orders-jobmanager", Some("orders")),
            ("orders-jobmanager-v1", "orders-taskmanager", "orders-jobmanager-v1", Some("orders-v1")),
            ("orders-jobmanager", "orders-taskmanager", "orders-jobmanager-rpc", Some("orders")),
            ("analytics", "analytics-taskmanager", "flink-jobmanager", Some("flink")),
            ("analytics-jobmanager", "analytics-worker", "flink-jobmanager", Some("flink")),
            ("jobmanager", "flink-taskmanager", "jobmanager", Some("prod")),
            ("orders-2", "orders-2-taskmanager", "orders-2.shop.svc", None),
            ("orders", "orders-taskmanager", "10.0.0.7", None),
            ("orders-jobmanager", "orders-taskmanager", "localhost", Some("orders")),
            ("orders", "orders-taskmanager", "fd00--7", Some("fd00--7")),
            ("orders-0", "orders-taskmanager", "orders-0.orders-jobmanager", Some("orders")),
            ("orders-2", "orders-2-taskmanager", "orders-2", Some("orders-2")),
            ("orders", "orders-taskmanager", "Orders", None),
            ("orders", "orders-taskmanager", "$(ORDERS_SERVICE_HOST)", None),
        ] {
            for (role, name) in [("jobmanager", job_manager), ("taskmanager", task_manager)] {
                assert_eq!(id("Deployment", role, name, Some(address)).as_deref(), expected, "{name} at {address}");
            }
        }
    }

    #[test]
    fn a_set_of_job_managers_is_found_by_its_name() {
        for (set, task_manager, address, expected) in [
            ("orders-jobmanager", "orders-taskmanager-large", "orders-jobmanager-0.orders", Some("orders")),
            ("flink-jobmanager", "flink-worker", "flink-jobmanager-0.flink-jobmanager", Some("flink")),
            ("flink", "flink-taskmanager", "flink-0.flink", Some("flink")),
        ] {
            let of_set = id("StatefulSet", "jobmanager", set, None);
            assert_eq!(of_set.as_deref(), expected, "{set}");
            assert_eq!(id("Deployment", "taskmanager", task_manager, Some(address)), of_set, "{task_manager}");
        }
    }

    #[test]
    fn without_an_address_the_name_says_it() {
        for (kind, name, expected) in [
            ("Job", "orders-jobmanager-20251101", Some("orders")),
            ("Job", "orders-jobmanager-v1-20251101", Some("orders-v1-20251101")),
            ("Deployment", "orders-jobmanager-20251101", Some("orders-20251101")),
            ("Deployment", "orders", None),
            ("Deployment", "jobmanager", Some("prod")),
        ] {
            assert_eq!(id(kind, "jobmanager", name, None).as_deref(), expected, "{kind} {name}");
            assert_eq!(id(kind, "jobmanager", name, Some("$(POD_IP)")).as_deref(), expected, "{kind} {name}");
        }
    }
}
