//! `cluster-identity-taken`: two clusters that elect one leader.

use crate::flink::cluster::Shape;
use crate::flink::identity::shared_label;
use crate::flink::options::{HA_CLUSTER_ID, KUBERNETES_CLUSTER_ID, ZOOKEEPER_ROOT};
use crate::neighbours::{Election, Neighbour};
use crate::object::FieldPath;
use crate::policy::finding::Level;
use crate::policy::rules::neighbours::{in_words, others, own};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "cluster-identity-taken",
    failure: "C12",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "Another Flink cluster has the same identity in HA: `kubernetes.cluster-id` (a FlinkDeployment's name) in one `kubernetes.namespace`, or one ZooKeeper quorum, `path.root` and `high-availability.cluster-id` (a FlinkDeployment's name again; ZooKeeper knows no Kubernetes namespace).",
        why: "The JobManagers of both elect one leader. No error is raised: the one is a standby of the other, its TaskManagers register with the other's JobManager, and at the next failover it starts the other's jobs with its own image and from its own storageDir, where their files are not (`FileNotFoundException: …/blob/job_…`, exit code 239; executed with 1.20.5).",
        limits: "Clusters whose configuration is not known whole are left out, and so are those that are scaled to none, finished or being deleted. JobManagers in several objects that read one ConfigMap are taken for one cluster; where they have one HA directory and one label `app.kubernetes.io/instance` or `app` they may be one, and it is a warning. The offline commands compare what they are given; a review sees no other clusters yet.",
        example: "kind: Deployment        # orders-jobmanager\nargs: [jobmanager, -D, high-availability.type=kubernetes, -D, kubernetes.cluster-id=flink]\n---\nkind: Deployment        # invoices-jobmanager, in the same namespace\nargs: [jobmanager, -D, high-availability.type=kubernetes, -D, kubernetes.cluster-id=flink]",
        fix: "Give each cluster an id of its own. With ZooKeeper give each namespace a `high-availability.zookeeper.path.root` of its own.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let taken = taken(case);
    let said = taken.into_iter().map(|(election, other)| violation(case, &election, other));
    // Of a blue-green deployment both halves may be taken; of many others one says enough.
    said.take(1).collect()
}

/// The elections of this cluster that another one takes part in, with that one.
pub(super) fn taken<'a>(case: &Case<'a>) -> Vec<(Election, &'a Neighbour)> {
    let Some(own) = own(case) else { return Vec::new() };
    let other = |election: &Election| {
        others(case).find(|other| other.footprint.elections.iter().any(|theirs| theirs.is_shared_with(election)))
    };
    own.elections.into_iter().filter_map(|election| Some((other(&election)?, election))).map(|(o, e)| (e, o)).collect()
}

fn violation(case: &Case<'_>, election: &Election, other: &Neighbour) -> Violation {
    let who = in_words(case, other);
    let is_resource = case.cluster.shape != Shape::Raw;
    let (option, what, remedy) = match election {
        Election::Kubernetes { id, .. } if is_resource => {
            (KUBERNETES_CLUSTER_ID, format!("`{id}` is"), "give the resource another name".to_owned())
        }
        Election::Kubernetes { id, namespace } => (
            KUBERNETES_CLUSTER_ID,
            format!("`{id}` in namespace `{namespace}` is"),
            format!("give each cluster a `{KUBERNETES_CLUSTER_ID}` of its own"),
        ),
        Election::ZooKeeper { path, .. } if is_resource => (
            HA_CLUSTER_ID,
            format!("`{path}` in ZooKeeper is"),
            format!("set `{ZOOKEEPER_ROOT}` to a path of this namespace's own, as in `/flink/{}`", case.namespace),
        ),
        Election::ZooKeeper { path, .. } => (
            HA_CLUSTER_ID,
            format!("`{path}` in ZooKeeper is"),
            format!("give each cluster a `{HA_CLUSTER_ID}` of its own, or each namespace a `{ZOOKEEPER_ROOT}`"),
        ),
    };
    let message = format!(
        "{what} where {who} elects its leader too, so the two are one cluster to Flink: TaskManagers of the one join the other, and its jobs are started with the wrong image"
    );
    let setting = case.cluster.leading().and_then(|view| view.config.option(option, case.cluster.version));
    let violation = match setting {
        Some((_, setting)) if !is_resource => Violation::at_setting(setting, message, remedy),
        _ if is_resource => Violation::at_field(FieldPath::of(&["metadata", "name"]), None, message, remedy),
        _ => {
            let root = case.cluster.leading().map(|view| view.config_path.clone()).unwrap_or_default();
            Violation::at_field(root.key(option), None, message, remedy)
        }
    };
    if may_be_one(case, other) { violation.uncertain() } else { violation }
}

/// Whether the two may be JobManagers of one cluster, leader and standby: of one application, with one HA directory.
fn may_be_one(case: &Case<'_>, other: &Neighbour) -> bool {
    let is_named_alike = other.application.is_some() && other.application == shared_label(case.object);
    let is_raw = case.cluster.shape == Shape::Raw && !other.is_resource();
    is_raw
        && is_named_alike
        && other.namespace == case.namespace
        && own(case).is_some_and(|own| {
            own.ha_directories.iter().any(|directory| other.footprint.ha_directories.contains(directory))
        })
}
