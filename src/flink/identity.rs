//! The id of a standalone cluster, such that all of its roles derive the same one without seeing each other.

use serde_json::Value;

use crate::flink::cluster::Cluster;
use crate::flink::options::JOBMANAGER_ADDRESS;
use crate::object::{annotation, at, label, text};
use crate::policy::Role;

/// Annotation that names the cluster an object belongs to.
pub const CLUSTER_ANNOTATION: &str = "flink-admission.io/cluster-id";

/// Words of a name that say the role and not the cluster.
const ROLE_WORDS: [&str; 8] =
    ["jobmanager", "taskmanager", "jm", "tm", "jobmanagers", "taskmanagers", "job-manager", "task-manager"];

/// Labels that the roles of a cluster share, the most telling first.
const SHARED_LABELS: [&str; 2] = ["app.kubernetes.io/instance", "app"];

/// The id of the cluster that a role in `object`, called `name`, belongs to; `None` where nothing says it.
///
/// It is `configured`, the `kubernetes.cluster-id` of its author; else the annotation; else the name without its role word;
/// where the name is nothing but a role word, a label that the roles share.
///
/// `address` is where TaskManagers look for their JobManager. `orders-taskmanager-large` at `orders-jobmanager` are one pool
/// of several: they are of the cluster `orders`.
#[must_use]
pub fn of_role(
    object: &Value,
    name: Option<&str>,
    configured: Option<String>,
    address: Option<&str>,
) -> Option<String> {
    let template = at(object, &["spec", "template"]).unwrap_or(&Value::Null);
    let either = |read: &dyn Fn(&Value) -> Option<String>| read(object).or_else(|| read(template));
    configured
        .or_else(|| either(&|object| annotation(object, CLUSTER_ANNOTATION).map(str::to_owned)))
        .or_else(|| {
            name.map(|name| without_run(object, name)).and_then(without_role).map(|id| without_pool(id, address))
        })
        .or_else(|| {
            // A name that says the role alone is the only one in its namespace; others may share labels with other clusters.
            name.filter(|name| ROLE_WORDS.contains(name))?;
            SHARED_LABELS.iter().find_map(|key| either(&|object| label(object, key).and_then(without_role_or_whole)))
        })
        .filter(|id| is_id(id))
}

/// Where the TaskManagers of `cluster` look for their JobManager; nothing where it shows none.
#[must_use]
pub fn address(cluster: &Cluster) -> Option<&str> {
    cluster.role(Role::TaskManager)?.config.value(JOBMANAGER_ADDRESS, cluster.version)
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

/// `name` of a Job without the number of its run: `orders-jobmanager-20251101` is `orders-jobmanager` deployed anew.
fn without_run<'a>(object: &Value, name: &'a str) -> &'a str {
    let run = name.rsplit_once('-').filter(|_| text(object, &["kind"]) == Some("Job"));
    let is_of_role =
        |base: &str| ROLE_WORDS.iter().any(|word| base.strip_suffix(word).is_some_and(|rest| rest.ends_with('-')));
    match run {
        Some((base, number)) if is_of_role(base) && number.bytes().all(|byte| byte.is_ascii_digit()) => base,
        _ => name,
    }
}

/// The id of the JobManager at `address`, where `id` is that and a word more.
fn without_pool(id: String, address: Option<&str>) -> String {
    let host = address.and_then(|address| address.trim().split('.').next());
    let is_pool = |cluster: &String| id.strip_prefix(cluster.as_str()).is_some_and(|rest| rest.starts_with('-'));
    host.and_then(without_role).filter(is_pool).unwrap_or(id)
}

/// A label's value, unless it is nothing but a role word.
fn without_role_or_whole(value: &str) -> Option<String> {
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
        for (name, address, id) in [
            ("orders-taskmanager-large", "orders-jobmanager", "orders"),
            ("orders-large-taskmanager", "orders-jobmanager.shop.svc", "orders"),
            ("orders-taskmanager-large", "orders-jobmanager-large", "orders-large"),
            ("orders-taskmanager-large", "flink", "orders-large"),
            ("orders2-taskmanager", "orders-jobmanager", "orders2"),
        ] {
            assert_eq!(
                of_role(&Value::Null, Some(name), None, Some(address)).as_deref(),
                Some(id),
                "{name} at {address}"
            );
        }
        for (kind, id) in [("Job", "orders"), ("Deployment", "orders-20251101")] {
            let object = serde_json::json!({"kind": kind});
            assert_eq!(of_role(&object, Some("orders-jobmanager-20251101"), None, None).as_deref(), Some(id), "{kind}");
        }
        assert_eq!(without_role_or_whole("dunning").as_deref(), Some("dunning"));
    }
}
