//! The other role of a standalone cluster: which JobManager and which TaskManagers belong together.
//!
//! A role is an object of its own, and no field of it names the other. They belong together where their authors gave both
//! one `kubernetes.cluster-id`; else where annotations, names or labels lead to one id; else where they read one ConfigMap
//! that no other JobManager reads. Only the offline input shows them all; a review looks up what it names and no more.

use std::sync::Arc;

use serde_json::Value;

use crate::facts::{Facts, Listed};
use crate::flink::cluster::{Cluster, RoleView};
use crate::flink::options::KUBERNETES_CLUSTER_ID;
use crate::flink::raw;
use crate::flink::{configuration::Setting, identity};
use crate::inject::Record;
use crate::object::{name, text};
use crate::policy::Role;
use crate::workload::{Kind, Raw, recognise};

/// A workload of the other role of a cluster, as it is stored.
#[derive(Debug, Clone)]
pub struct Sibling {
    /// The object.
    pub object: Arc<Value>,
    /// The role in it.
    pub raw: Raw,
    /// What Flink makes of it.
    pub cluster: Cluster,
    /// The id that its author gave it as `kubernetes.cluster-id`.
    pub explicit: Option<String>,
    /// The id that it has by that, its annotations, its name or its labels.
    pub identity: Option<String>,
}

impl Sibling {
    /// Its one role.
    #[must_use]
    pub fn view(&self) -> Option<&RoleView> {
        self.cluster.leading()
    }

    /// What it is called among people: ``Deployment `orders-taskmanager` ``.
    #[must_use]
    pub fn title(&self) -> String {
        let word = |keys: &[&str]| text(&self.object, keys).unwrap_or_default().to_owned();
        format!("{} `{}`", word(&["kind"]), word(&["metadata", "name"]))
    }

    /// The setting that its author gave it for `option`; `None` where we filled it in.
    #[must_use]
    pub fn setting(&self, option: &str) -> Option<&Setting> {
        explicit(&self.object, &self.cluster, option)
    }
}

/// The workloads of the other role that belong to the cluster of `raw` in `object`, as far as `facts` show them.
#[must_use]
pub fn find(object: &Value, raw: &Raw, namespace: &str, facts: &Facts, mirrors: &[String]) -> Vec<Sibling> {
    let listed = facts.list(Listed::Workloads, namespace);
    if listed.is_empty() {
        return Vec::new();
    }
    let own = Candidate::of(object, raw, namespace, facts, mirrors);
    let is_object = |other: &Value| {
        ["kind", "apiVersion"].iter().all(|key| other.get(key) == object.get(key))
            && text(other, &["metadata", "name"]) == text(object, &["metadata", "name"])
    };
    let others: Vec<(&Arc<Value>, Raw)> = listed
        .iter()
        .filter(|other| !is_object(other))
        .filter_map(|other| {
            let workload = recognise(other).filter(|workload| workload.made_by.is_none())?;
            match workload.kind {
                Kind::Raw(raw) => Some((other, raw)),
                Kind::FlinkDeployment { .. } | Kind::SessionJob => None,
            }
        })
        .collect();
    // One ConfigMap holds the address of one JobManager; where several read it, it says nothing.
    let reads_ours = |(other, role): &&(&Arc<Value>, Raw)| {
        raw::config_maps(other, role).iter().any(|map| own.config_maps.contains(map))
    };
    let job_managers = others.iter().filter(|(_, role)| role.role == Role::JobManager).filter(reads_ours).count();
    let is_only_reader = job_managers + usize::from(raw.role == Role::JobManager) == 1;
    let of_other_role = others.iter().filter(|(_, role)| role.role != raw.role).take(MOST_SIBLINGS);
    of_other_role
        .filter_map(|(other, role)| {
            let candidate = Candidate::of(other, role, namespace, facts, mirrors);
            own.belongs_with(&candidate, is_only_reader).then(|| Sibling {
                object: Arc::clone(other),
                raw: role.clone(),
                cluster: candidate.cluster,
                explicit: candidate.explicit,
                identity: candidate.identity,
            })
        })
        .collect()
}

/// The setting of `option` in `cluster`, unless the record on `object` says that we filled it in.
#[must_use]
pub fn explicit<'a>(object: &Value, cluster: &'a Cluster, option: &str) -> Option<&'a Setting> {
    let (key, setting) = cluster.leading()?.config.option(option, cluster.version)?;
    let is_ours = Record::of(object).is_some_and(|record| record.holds(key, &setting.value));
    Some(setting).filter(|setting| !is_ours && !setting.trimmed().is_empty())
}

/// A role with all that says which cluster it is of.
struct Candidate {
    cluster: Cluster,
    explicit: Option<String>,
    identity: Option<String>,
    /// The id that it would have if nobody said one.
    derived: Option<String>,
    config_maps: Vec<String>,
}

impl Candidate {
    fn of(object: &Value, raw: &Raw, namespace: &str, facts: &Facts, mirrors: &[String]) -> Self {
        let cluster = Cluster::of_raw(object, raw, namespace, facts, mirrors);
        let explicit = explicit(object, &cluster, KUBERNETES_CLUSTER_ID).map(|setting| setting.trimmed().to_owned());
        let name = object.get("metadata").and_then(name);
        let shown = identity::Shown { object, name, namespace, cluster: &cluster };
        let (identity, derived) = (shown.id(explicit.clone()), shown.derived());
        Self { cluster, explicit, identity, derived, config_maps: raw::config_maps(object, raw) }
    }

    fn belongs_with(&self, other: &Self, is_only_reader: bool) -> bool {
        if let (Some(ours), Some(theirs)) = (&self.explicit, &other.explicit) {
            return ours == theirs;
        }
        let is_same = self.identity.is_some() && self.identity == other.identity;
        // One of them may be told its id, and the other not.
        let is_same = is_same || (self.derived.is_some() && self.derived == other.derived);
        is_same || (is_only_reader && other.config_maps.iter().any(|map| self.config_maps.contains(map)))
    }
}

/// Workloads of the other role that are looked at. A cluster has one or a few.
const MOST_SIBLINGS: usize = 64;
