//! What a cluster leaves outside of its pods, by which two clusters that do not know of each other meet: the place of its
//! leader election, its HA directory, its checkpoints.
//!
//! A TaskManager leaves nothing of its own, so a standalone cluster is known by its JobManager.

mod storage;

pub use storage::Storage;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::flink::cluster::{Cluster, Directory, HighAvailability, RoleView, Shape};
use crate::flink::defaults;
use crate::flink::deployment::cluster_ids;
use crate::flink::identity::shared_label;
use crate::flink::location::{has_placeholder, normalise};
use crate::flink::options::{KUBERNETES_CLUSTER_ID, KUBERNETES_NAMESPACE, ZOOKEEPER_QUORUM, ZOOKEEPER_ROOT};
use crate::flink::raw;
use crate::object::{at, integer, list, text};
use crate::policy::Role;
use crate::workload::{Kind, Workload};
use storage::{server_in, storage};

/// Another Flink cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// The kind of its object: the JobManager's where it is standalone.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// The ConfigMaps that a standalone JobManager reads its configuration from.
    pub config_maps: Vec<String>,
    /// The label by which its author tells the application; `None` where there is none.
    pub application: Option<String>,
    /// What it leaves outside of its pods.
    pub footprint: Footprint,
}

/// What a cluster leaves outside of its pods, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Where its JobManagers elect their leader; two for a FlinkBlueGreenDeployment, none without HA.
    pub elections: Vec<Election>,
    /// Where its HA metadata lies, the cluster's own directory below the storageDir; two as above.
    pub ha_directories: Vec<Storage>,
    /// The directory of its checkpoints.
    pub checkpoints: Option<Storage>,
    /// The id of its one job, where its author or Flink fixes it.
    pub job: Option<JobId>,
}

/// The fixed id of an application's one job.
///
/// Source: Flink `ApplicationDispatcherBootstrap.fixJobIdAndRunApplicationAsync`, which fixes an id under HA and where one
/// is given; executed for 1.13 to 2.3. The operator gives each job a random one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobId {
    /// The digits that the command line gives, or zeros.
    Written(String),
    /// Made of this `high-availability.cluster-id`, from 1.16 on.
    OfCluster(String),
}

/// Where JobManagers elect their leader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Election {
    /// On the ConfigMap `<id>-cluster-config-map`.
    Kubernetes {
        /// The namespace of the ConfigMap, which need not be the pods'.
        namespace: String,
        /// The effective `kubernetes.cluster-id`.
        id: String,
    },
    /// Below a path of a ZooKeeper ensemble.
    ZooKeeper {
        /// Its servers, each with its port; services by name and namespace.
        servers: BTreeSet<String>,
        /// `/<path.root>/<high-availability.cluster-id>`.
        path: String,
    },
}

impl Election {
    /// Whether JobManagers of both elect one leader.
    #[must_use]
    pub fn is_shared_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::ZooKeeper { servers, path }, Self::ZooKeeper { servers: others, path: theirs }) => {
                path == theirs && !servers.is_disjoint(others)
            }
            _ => self == other,
        }
    }
}

impl Neighbour {
    /// The cluster that `object` in `namespace` is; `None` where it is none, is being deleted, does not run, or was made
    /// by something that answers for it.
    #[must_use]
    pub fn of(object: &Value, workload: &Workload, namespace: &str, cluster: &Cluster) -> Option<Self> {
        let word = |keys: &[&str]| text(object, keys).unwrap_or_default().to_owned();
        let name = word(&["metadata", "name"]);
        if workload.made_by.is_some() || name.is_empty() {
            return None;
        }
        let config_maps = match &workload.kind {
            Kind::Raw(raw) => raw::config_maps(object, raw),
            Kind::FlinkDeployment { .. } | Kind::SessionJob => Vec::new(),
        };
        let footprint = Footprint::of(object, namespace, cluster)?;
        let (kind, namespace, application) = (word(&["kind"]), namespace.to_owned(), shared_label(object));
        Some(Self { kind, namespace, name, config_maps, application, footprint })
    }

    /// Whether it is a resource of the operator's, which shows the whole cluster.
    #[must_use]
    pub fn is_resource(&self) -> bool {
        matches!(self.kind.as_str(), "FlinkDeployment" | "FlinkBlueGreenDeployment")
    }

    /// Whether it keeps its HA metadata in ConfigMaps.
    #[must_use]
    pub fn has_kubernetes_ha(&self) -> bool {
        self.footprint.elections.iter().any(|election| matches!(election, Election::Kubernetes { .. }))
    }
}

impl Footprint {
    /// What `cluster`, which `object` in `namespace` shows, leaves; `None` of a TaskManager, of what does not run,
    /// and where its configuration is not known whole.
    #[must_use]
    pub fn of(object: &Value, namespace: &str, cluster: &Cluster) -> Option<Self> {
        let view = cluster.role(Role::JobManager).filter(|view| view.unknown.is_none() && runs(object))?;
        let ids = ids(object, cluster, view);
        let storage = |location| storage(location, view, namespace);
        let checkpoints = cluster.location(Directory::Checkpoints).and_then(storage);
        let mut footprint = Self { checkpoints, job: job(cluster, view), ..Self::default() };
        let mode = cluster.high_availability().0;
        if matches!(mode, HighAvailability::Kubernetes | HighAvailability::ZooKeeper) {
            footprint.ha_directories =
                ids.iter().filter_map(|ids| storage(cluster.ha_directory(&ids.of_ha)?)).collect();
            footprint.elections = ids
                .iter()
                .filter_map(|ids| match mode {
                    HighAvailability::Kubernetes => on_config_map(cluster, view, namespace, ids.of_kubernetes.clone()?),
                    _ => in_zookeeper(cluster, view, namespace, &ids.of_ha),
                })
                .collect();
        }
        Some(footprint)
    }
}

/// The ids of one cluster.
struct Ids {
    of_kubernetes: Option<String>,
    of_ha: String,
}

/// The ids of `cluster`: the operator takes the resource's name for both, and a suffix for each of two.
fn ids(object: &Value, cluster: &Cluster, view: &RoleView) -> Vec<Ids> {
    if let Shape::FlinkDeployment { .. } = cluster.shape {
        let both = |id: String| Ids { of_kubernetes: Some(id.clone()), of_ha: id };
        return cluster_ids(object).into_iter().map(both).collect();
    }
    let value = |option: &str| view.config.value(option, cluster.version).map(str::to_owned);
    let ids = Ids { of_kubernetes: value(KUBERNETES_CLUSTER_ID), of_ha: cluster.ha_cluster_id(view).to_owned() };
    let is_known = |id: &String| !has_placeholder(id);
    if ids.of_kubernetes.iter().chain([&ids.of_ha]).all(is_known) { vec![ids] } else { Vec::new() }
}

/// The fixed id of the job of `cluster`; `None` where it is random or not known.
fn job(cluster: &Cluster, view: &RoleView) -> Option<JobId> {
    // A batch job makes no checkpoints.
    if view.is_batch() || !cluster.application || cluster.shape != Shape::Raw {
        return None;
    }
    let id = if let Some((id, _)) = &cluster.job_id {
        JobId::Written(id.clone())
    } else if !cluster.high_availability().0.is_on() {
        return None;
    } else if cluster.version?.at_least(1, 16) {
        JobId::OfCluster(cluster.ha_cluster_id(view).to_owned())
    } else {
        JobId::Written("0".repeat(32))
    };
    let (JobId::Written(text) | JobId::OfCluster(text)) = &id;
    (!has_placeholder(text)).then_some(id)
}

fn on_config_map(cluster: &Cluster, view: &RoleView, namespace: &str, id: String) -> Option<Election> {
    let namespace = match cluster.shape {
        Shape::FlinkDeployment { .. } => namespace,
        // The pods' namespace is no default of Flink's.
        Shape::Raw => {
            view.config.value(KUBERNETES_NAMESPACE, cluster.version).unwrap_or(defaults::KUBERNETES_NAMESPACE)
        }
    };
    (!has_placeholder(namespace)).then(|| Election::Kubernetes { namespace: namespace.to_owned(), id })
}

/// Source: Flink `ZooKeeperUtils.generateZookeeperPath`.
fn in_zookeeper(cluster: &Cluster, view: &RoleView, namespace: &str, id: &str) -> Option<Election> {
    let root = view.config.value(ZOOKEEPER_ROOT, cluster.version).unwrap_or(defaults::ZOOKEEPER_ROOT);
    let quorum = view.config.value(ZOOKEEPER_QUORUM, cluster.version)?;
    // Behind its servers stands the directory that it takes for its root.
    let (servers, chroot) = quorum.split_once('/').unwrap_or((quorum, ""));
    let servers = servers.split([',', ';']).filter_map(|server| server_in(server.trim(), "2181", namespace)).collect();
    let is_known = !has_placeholder(root) && !has_placeholder(quorum);
    is_known.then(|| Election::ZooKeeper { servers, path: normalise(&format!("{chroot}/{root}/{id}")) })
}

/// Whether `object` has pods, or will have: it is not being deleted, not finished and not scaled to none, not suspended.
fn runs(object: &Value) -> bool {
    let is_finished = list(object, &["status", "conditions"]).iter().any(|condition| {
        matches!(text(condition, &["type"]), Some("Complete" | "Failed"))
            && text(condition, &["status"]) == Some("True")
    });
    at(object, &["metadata", "deletionTimestamp"]).is_none_or(Value::is_null)
        && integer(object, &["spec", "replicas"]) != Some(0)
        && integer(object, &["spec", "parallelism"]) != Some(0)
        && at(object, &["spec", "suspend"]) != Some(&Value::Bool(true))
        && text(object, &["spec", "job", "state"]) != Some("suspended")
        && !(is_finished && text(object, &["kind"]) == Some("Job"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::facts::Facts;
    use crate::workload::recognise;

    fn resource(name: &str, namespace: &str, options: Value) -> Neighbour {
        let object = json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
            "metadata": {"name": name}, "spec": {"flinkVersion": "v1_20", "flinkConfiguration": options}});
        neighbour(&object, namespace).unwrap()
    }

    fn standalone(name: &str, namespace: &str, options: &[&str]) -> Neighbour {
        let mut args = vec!["jobmanager"];
        args.extend(options.iter().flat_map(|option| ["-D", *option]));
        let container = json!({"name": "flink", "image": "flink:1.20.1", "args": args});
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"template": {"spec": {"containers": [container]}}}});
        neighbour(&object, namespace).unwrap()
    }

    fn neighbour(object: &Value, namespace: &str) -> Option<Neighbour> {
        let workload = recognise(object)?;
        let cluster = Cluster::of(object, &workload, namespace, &Facts::default(), &[])?;
        Neighbour::of(object, &workload, namespace, &cluster)
    }

    #[test]
    fn an_election_is_found_by_what_flink_makes_of_the_options() {
        let kubernetes =
            |namespace: &str, id: &str| Election::Kubernetes { namespace: namespace.into(), id: id.into() };
        let resource = resource("orders", "shop", json!({"high-availability.type": "kubernetes"}));
        assert_eq!(resource.footprint.elections, [kubernetes("shop", "orders")]);
        let ha = "high-availability.type=kubernetes";
        let raw = standalone("jm", "shop", &[ha, "kubernetes.cluster-id=orders"]);
        assert_eq!(raw.footprint.elections, [kubernetes("default", "orders")], "Flink's default is no pod's namespace");
        assert_eq!(standalone("jm", "shop", &[ha]).footprint.elections, [], "it does not start");
        let off = standalone("jm", "shop", &["kubernetes.cluster-id=orders"]);
        assert_eq!(off.footprint.elections, [], "the id is read under HA only");
    }

    #[test]
    fn one_ensemble_has_many_names() {
        let election = |namespace: &str, quorum: &str, id: &str| {
            let (quorum, id) =
                (format!("high-availability.zookeeper.quorum={quorum}"), format!("high-availability.cluster-id={id}"));
            standalone("jm", namespace, &["high-availability.type=zookeeper", &quorum, &id])
                .footprint
                .elections
                .remove(0)
        };
        let one = election("shop", "zk-0.zk.infra.svc:2181,zk-1.zk.infra:2181", "/orders");
        assert!(one.is_shared_with(&election("other", "zk-1.zk.infra.svc.cluster.local", "orders/")));
        assert!(!one.is_shared_with(&election("other", "zk-1.zk.infra:2182", "orders")));
        assert!(!one.is_shared_with(&election("other", "zk-1.zk.infra", "orders2")));
        let chroot = |root: &str| election("shop", &format!("zk-0.zk.infra,zk-1.zk.infra/{root}"), "orders");
        assert!(chroot("a").is_shared_with(&chroot("a")) && !chroot("a").is_shared_with(&chroot("b")));
        let own = election("shop", "zk:2181", "a");
        assert!(!own.is_shared_with(&election("other", "zk:2181", "a")), "a Service of each namespace");
        assert!(own.is_shared_with(&election("other", "zk.shop:2181", "a")));
        assert!(!election("shop", "localhost:2181", "a").is_shared_with(&election("shop", "localhost:2181", "a")));
    }

    #[test]
    fn one_directory_has_many_spellings() {
        let directories = |namespace: &str, name: &str, uri: &str| {
            let options = json!({"high-availability.type": "kubernetes", "high-availability.storageDir": uri});
            resource(name, namespace, options).footprint.ha_directories
        };
        let one = directories("shop", "orders", "s3://state/ha");
        assert_eq!(one, [Storage::Remote("s3://state/ha/orders".to_owned())]);
        assert_eq!(one, directories("other", "orders", "s3a://state//ha/"));
        assert_ne!(one, directories("shop", "orders2", "s3://state/ha"));
        assert_eq!(directories("shop", "orders", "hdfs:///ha"), [], "each pod's own default");
        assert_eq!(directories("shop", "orders", "file:///ha"), [], "in the container");
        let hdfs = directories("shop", "orders", "hdfs://namenode:8020/ha");
        assert_ne!(hdfs, directories("other", "orders", "hdfs://namenode:8020/ha"), "a Service of each namespace");
        assert_eq!(hdfs, directories("other", "orders", "hdfs://namenode.shop.svc:8020/ha"));
        assert_eq!(directories("shop", "orders", "s3://state"), [Storage::Remote("s3://state/orders".to_owned())]);
    }

    #[test]
    fn one_bucket_of_two_stores_is_two() {
        let checkpoints = |namespace: &str, endpoint: &str| {
            let options = json!({"execution.checkpointing.dir": "s3://state/cp", "s3.endpoint": endpoint});
            resource("orders", namespace, options).footprint.checkpoints
        };
        let one = checkpoints("shop", "http://minio:9000");
        assert_ne!(one, None);
        assert_ne!(one, checkpoints("other", "http://minio:9000"), "a Service of each namespace");
        assert_eq!(one, checkpoints("other", "http://minio.shop.svc:9000/"));
        assert_eq!(checkpoints("shop", "http://localhost:9000"), None);
        assert_eq!(checkpoints("shop", "${MINIO}"), None);
        let aws = checkpoints("shop", "https://s3.eu-central-1.amazonaws.com");
        assert_eq!(aws, Some(Storage::Remote("s3://state/cp".to_owned())));
    }

    #[test]
    fn the_id_of_a_job_is_fixed_as_flink_fixes_it() {
        let job = |image: &str, words: &[&str]| {
            let args: Vec<&str> = ["standalone-job"].iter().chain(words).copied().collect();
            let container = json!({"name": "flink", "image": image, "args": args});
            let object = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"},
                "spec": {"template": {"spec": {"containers": [container]}}}});
            neighbour(&object, "shop").unwrap().footprint.job
        };
        let ha = ["-Dhigh-availability=zookeeper", "-Dhigh-availability.cluster-id=/a"];
        let written = |id: &str| Some(JobId::Written(id.to_owned()));
        assert_eq!(job("flink:1.20.1", &ha), Some(JobId::OfCluster("/a".to_owned())));
        assert_eq!(job("flink:1.20.1", &ha[..1]), Some(JobId::OfCluster("/default".to_owned())));
        assert_eq!(job("flink:1.15.4", &ha), written(&"0".repeat(32)));
        assert_eq!(job("flink:1.20.1", &[]), None, "random");
        assert_eq!(job("flink:1.20.1", &["--job-id", &"AB".repeat(16)]), written(&"ab".repeat(16)));
        assert_eq!(job("flink:1.20.1", &["--job-id", "$(ID)"]), None);
        assert_eq!(job("flink:1.20.1", &["--job-classname", "X", "run", "--job-id", "ab"]), None, "the program's own");
    }

    #[test]
    fn what_does_not_run_leaves_nothing_behind_anew() {
        let container = json!({"name": "flink", "image": "flink:1.20.1", "args": ["jobmanager"]});
        let mut object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
            "spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}}});
        assert!(neighbour(&object, "shop").is_some());
        object["spec"]["replicas"] = json!(0);
        assert!(neighbour(&object, "shop").is_none());
    }
}
