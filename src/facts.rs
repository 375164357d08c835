//! What may be asked of the cluster, and what it answered.
//!
//! `needs` names [`FactKey`]s, a look-up answers them, rules read the answers. What could not be learned is
//! [`Answer::Unknown`], which is never the same as [`Answer::Absent`].

mod access;
pub mod offline;
mod rbac;

pub use access::{Access, Account};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use crate::neighbours::Neighbour;

/// One question to the cluster: an object by kind, namespace and name, or what else there is in a namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactKey {
    /// A Namespace, for its labels and annotations.
    Namespace(String),
    /// A ServiceAccount.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A ConfigMap.
    ConfigMap {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A PersistentVolumeClaim.
    Claim {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A FlinkDeployment, to which a session job is submitted.
    FlinkDeployment {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// All objects of a kind in a namespace. Only the input of the offline commands answers it: a review names the objects
    /// that it is about, and asks for no others.
    List {
        /// Which.
        of: Listed,
        /// The namespace.
        namespace: String,
    },
    /// Whether a ServiceAccount may do something. Only the input of the offline commands answers it so far.
    Access(Access),
}

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listed {
    /// Deployments, StatefulSets and Jobs.
    Workloads,
    /// ConfigMaps.
    ConfigMaps,
    /// Services.
    Services,
    /// NetworkPolicies.
    NetworkPolicies,
    /// Ingresses.
    Ingresses,
    /// FlinkDeployments and FlinkBlueGreenDeployments.
    Resources,
}

impl FactKey {
    /// The kind of the object: `ServiceAccount`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Namespace(_) => "Namespace",
            Self::ServiceAccount { .. } => "ServiceAccount",
            Self::ConfigMap { .. } => "ConfigMap",
            Self::Claim { .. } => "PersistentVolumeClaim",
            Self::FlinkDeployment { .. } => "FlinkDeployment",
            Self::List { of: Listed::Workloads, .. } => "Workloads",
            Self::List { of: Listed::ConfigMaps, .. } => "ConfigMaps",
            Self::List { of: Listed::Services, .. } => "Services",
            Self::List { of: Listed::NetworkPolicies, .. } => "NetworkPolicies",
            Self::List { of: Listed::Ingresses, .. } => "Ingresses",
            Self::Access(_) => "SubjectAccessReview",
            Self::List { of: Listed::Resources, .. } => "Resources",
        }
    }

    /// The name of the object, of the namespace that is listed, or of the account that is asked about.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Namespace(name)
            | Self::ServiceAccount { name, .. }
            | Self::ConfigMap { name, .. }
            | Self::Claim { name, .. }
            | Self::FlinkDeployment { name, .. }
            | Self::List { namespace: name, .. } => name,
            Self::Access(access) => &access.account.name,
        }
    }
}

/// What is known of one question.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The object.
    Known(Value),
    /// The objects of a [`FactKey::List`], in the order of kind and name.
    Objects(Vec<Arc<Value>>),
    /// It may be done: the answer to a [`FactKey::Access`], and by which binding. That is for the input's author: who sends
    /// a review need not learn how a cluster's rights are given.
    Allowed(String),
    /// It may not be done, and why where that can be said in words; again for the input's author alone.
    Forbidden(Option<String>),
    /// It does not exist.
    Absent,
    /// It could not be learned, and why.
    Unknown(String),
}

/// The answers to all questions of one review.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    answers: BTreeMap<FactKey, Answer>,
    neighbours: Arc<[Neighbour]>,
    live: bool,
}

impl Facts {
    /// Whether a cluster was asked: then what is unknown is a look-up that failed, and not an input that is silent.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.live
    }

    /// All `keys` unknown for one reason, of a cluster that is asked; what it answers is inserted over that.
    #[must_use]
    pub fn unknown(keys: &BTreeSet<FactKey>, why: &str) -> Self {
        Self { live: true, ..Self::silent(keys, why) }
    }

    /// All `keys` unknown for one reason, where there is no cluster to ask.
    #[must_use]
    pub fn silent(keys: &BTreeSet<FactKey>, why: &str) -> Self {
        let answers = keys.iter().map(|key| (key.clone(), Answer::Unknown(why.to_owned()))).collect();
        Self { answers, ..Self::default() }
    }

    /// Records the answer to `key`.
    pub fn insert(&mut self, key: FactKey, answer: Answer) {
        self.answers.insert(key, answer);
    }

    /// Records the Flink clusters that there are, as they are stored; the one that is reviewed may be among them.
    pub fn set_neighbours(&mut self, neighbours: Arc<[Neighbour]>) {
        self.neighbours = neighbours;
    }

    /// The Flink clusters that are known; none where nothing is.
    #[must_use]
    pub fn neighbours(&self) -> &[Neighbour] {
        &self.neighbours
    }

    /// The answer to `key`; a question that was never asked is unknown.
    #[must_use]
    pub fn answer(&self, key: &FactKey) -> &Answer {
        static NOT_ASKED: LazyLock<Answer> = LazyLock::new(|| Answer::Unknown("it was not looked up".to_owned()));
        self.answers.get(key).unwrap_or(&NOT_ASKED)
    }

    /// The objects of `namespace` that are known; none where nothing is.
    #[must_use]
    pub fn list(&self, of: Listed, namespace: &str) -> &[Arc<Value>] {
        match self.answer(&FactKey::List { of, namespace: namespace.to_owned() }) {
            Answer::Objects(objects) => objects,
            _ => &[],
        }
    }

    /// Whether `access` is known to be allowed, or to be forbidden; `None` where nobody knows.
    #[must_use]
    pub fn allows(&self, access: &Access) -> Option<bool> {
        match self.answer(&FactKey::Access(access.clone())) {
            Answer::Allowed(_) => Some(true),
            Answer::Forbidden(_) => Some(false),
            _ => None,
        }
    }

    /// Whether it is known that the object of `key` does not exist.
    #[must_use]
    pub fn is_absent(&self, key: &FactKey) -> bool {
        *self.answer(key) == Answer::Absent
    }

    /// The questions that stayed open, each with its reason, in the order of the keys; lists and rights are not asked of a
    /// cluster.
    pub fn unanswered(&self) -> impl Iterator<Item = (&FactKey, &str)> {
        self.answers.iter().filter_map(|(key, answer)| match (key, answer) {
            (FactKey::List { .. } | FactKey::Access(_), _) => None,
            (_, Answer::Unknown(why)) => Some((key, why.as_str())),
            _ => None,
        })
    }
}
