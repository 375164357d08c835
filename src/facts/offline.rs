//! The input's own documents answer what the webhook would ask the cluster.
//!
//! A team's repository holds its ConfigMaps and claims and seldom the platform's roles, so silence means two things:
//! of a kind that the input shows it is taken to show all; of any other kind nothing is known.

mod rights;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, FactKey, Listed};
use crate::neighbours::Neighbour;
use crate::object::text;

/// How complete the input is taken to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Assume {
    /// Complete for the kinds of which it holds an object.
    #[default]
    Shown,
    /// Complete for every kind: what it does not hold does not exist.
    Complete,
    /// Complete for no kind: what it does not hold may exist.
    Partial,
}

/// The objects of the input, found by what they are.
#[derive(Debug, Clone, Default)]
pub struct Offline {
    assume: Assume,
    objects: BTreeMap<Identity, Arc<Value>>,
    shown: BTreeSet<String>,
    /// Namespaces of objects that name none: they may be applied to any other one.
    assumed: BTreeSet<String>,
    neighbours: Arc<[Neighbour]>,
}

/// What an object is called in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// API group and kind: `ConfigMap`, `apps/Deployment`, `flink.apache.org/FlinkDeployment`.
    pub kind: String,
    /// Namespace; empty for objects of the whole cluster.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl Identity {
    /// The identity of `object`, which is in `namespace` unless its kind is one of the whole cluster.
    #[must_use]
    pub fn of(object: &Value, namespace: &str) -> Self {
        let word = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = qualified(&word(object.get("apiVersion")), &word(object.get("kind")));
        let namespace = if CLUSTER_SCOPED.contains(&kind.as_str()) { String::new() } else { namespace.to_owned() };
        Self { kind, namespace, name: word(object.pointer("/metadata/name")) }
    }

    /// The identity that `key` asks for; `None` where it asks for no single object.
    fn key(key: &FactKey) -> Option<Self> {
        let (kind, namespace, name) = match key {
            FactKey::Namespace(name) => ("Namespace", "", name),
            FactKey::Claim { namespace, name } => ("PersistentVolumeClaim", namespace.as_str(), name),
            FactKey::List { .. } | FactKey::Access(_) => return None,
            FactKey::ServiceAccount { namespace, name } => ("ServiceAccount", namespace.as_str(), name),
            FactKey::ConfigMap { namespace, name } => ("ConfigMap", namespace.as_str(), name),
            FactKey::FlinkDeployment { namespace, name } => (DEPLOYMENT, namespace.as_str(), name),
        };
        Some(Self { kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.clone() })
    }
}

impl Offline {
    /// An empty input.
    #[must_use]
    pub fn new(assume: Assume) -> Self {
        Self { assume, ..Self::default() }
    }

    /// Adds an object, or puts it in the place of the one with the same identity: what is applied last is stored.
    pub fn put(&mut self, object: &Value, namespace: &str) {
        let identity = Identity::of(object, namespace);
        self.shown.insert(family(&identity.kind).to_owned());
        if !names_its_namespace(object) && !identity.namespace.is_empty() {
            self.assumed.insert(identity.namespace.clone());
        }
        let mut object = object.clone();
        if identity.kind == "Namespace" {
            // The API server labels each namespace with its name (since Kubernetes 1.21).
            label(&mut object, "kubernetes.io/metadata.name", &identity.name);
        }
        self.objects.insert(identity, Arc::new(object));
    }

    /// Records the Flink clusters of the input, as they would be stored.
    pub fn set_neighbours(&mut self, neighbours: Vec<Neighbour>) {
        self.neighbours = neighbours.into();
    }

    /// The Flink clusters of the input.
    #[must_use]
    pub fn neighbours(&self) -> Arc<[Neighbour]> {
        Arc::clone(&self.neighbours)
    }

    /// What the input says to `key`.
    #[must_use]
    pub fn answer(&self, key: &FactKey) -> Answer {
        let identity = match (key, Identity::key(key)) {
            (FactKey::List { of, namespace }, _) => return self.list(*of, namespace),
            (FactKey::Access(access), _) => return self.rights(access),
            (_, Some(identity)) => identity,
            (_, None) => return Answer::Absent,
        };
        if let Some(object) = self.objects.get(&identity) {
            return Answer::Known(Value::clone(object));
        }
        if let Some(object) = made_by_the_cluster(&identity) {
            return Answer::Known(object);
        }
        if !self.is_complete(&identity.kind) {
            return Answer::Unknown(format!("the input holds no {}", identity.kind));
        }
        if self.may_be_in_another_namespace(&identity) {
            return Answer::Unknown("it is there in another namespace, and not every object names its own".to_owned());
        }
        if self.is_half_of_blue_green(&identity) {
            return Answer::Unknown("the operator makes it of a FlinkBlueGreenDeployment".to_owned());
        }
        Answer::Absent
    }

    /// Whether it is one of the two FlinkDeployments that the operator makes of a FlinkBlueGreenDeployment.
    fn is_half_of_blue_green(&self, identity: &Identity) -> bool {
        let halves = ["-blue", "-green"].iter().filter_map(|half| identity.name.strip_suffix(half));
        let whole = |name: &str| Identity { kind: BLUE_GREEN.to_owned(), name: name.to_owned(), ..identity.clone() };
        identity.kind == DEPLOYMENT && halves.map(whole).any(|whole| self.objects.contains_key(&whole))
    }

    /// Whether an object of that kind and name is in another namespace, and only seems to be, since one of the two names none.
    fn may_be_in_another_namespace(&self, identity: &Identity) -> bool {
        let is_assumed = self.assumed.contains(&identity.namespace);
        self.in_all_namespaces(&identity.kind)
            .any(|(other, object)| other.name == identity.name && (is_assumed || !names_its_namespace(object)))
    }

    fn list(&self, of: Listed, namespace: &str) -> Answer {
        let kinds: &[&str] = match of {
            Listed::Workloads => &["apps/Deployment", "apps/StatefulSet", "batch/Job"],
            Listed::ConfigMaps => &["ConfigMap"],
            Listed::Services => &["Service"],
            Listed::NetworkPolicies => &["networking.k8s.io/NetworkPolicy"],
            Listed::Ingresses => &["networking.k8s.io/Ingress"],
            Listed::Resources => &[BLUE_GREEN, DEPLOYMENT],
        };
        let of_kind = |kind: &&str| {
            let first = Identity { kind: (*kind).to_owned(), namespace: namespace.to_owned(), name: String::new() };
            let kind = first.kind.clone();
            self.objects
                .range(first..)
                .take_while(move |(identity, _)| identity.kind == kind && identity.namespace == namespace)
                .map(|(_, object)| Arc::clone(object))
        };
        let objects: Vec<_> = kinds.iter().flat_map(of_kind).take(MOST_LISTED + 1).collect();
        if objects.len() > MOST_LISTED {
            return Answer::Unknown(format!("the namespace has more than {MOST_LISTED} of them"));
        }
        Answer::Objects(objects)
    }

    /// Whether what is not in the input is taken not to exist. `kind` as in [`Identity::kind`].
    #[must_use]
    pub fn is_complete(&self, kind: &str) -> bool {
        match self.assume {
            Assume::Complete => true,
            Assume::Partial => false,
            Assume::Shown => self.shown.contains(family(kind)),
        }
    }

    /// As [`Offline::of_kind`], without a look at the objects of other kinds.
    fn in_all_namespaces(&self, kind: &str) -> impl Iterator<Item = (&Identity, &Value)> {
        let first = Identity { kind: kind.to_owned(), namespace: String::new(), name: String::new() };
        let kind = first.kind.clone();
        self.objects
            .range(first..)
            .take_while(move |(identity, _)| identity.kind == kind)
            .map(|(identity, object)| (identity, &**object))
    }

    /// All objects of `kind`, in the order of namespace and name.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a Identity, &'a Value)> {
        self.objects
            .iter()
            .filter(move |(identity, _)| identity.kind == kind)
            .map(|(identity, object)| (identity, &**object))
    }
}

fn names_its_namespace(object: &Value) -> bool {
    text(object, &["metadata", "namespace"]).is_some_and(|namespace| !namespace.is_empty())
}

/// Group and kind without the version: two versions of a kind are the same objects.
fn qualified(api_version: &str, kind: &str) -> String {
    api_version.split_once('/').map_or_else(|| kind.to_owned(), |(group, _)| format!("{group}/{kind}"))
}

/// The kinds that stand for each other when the input is asked whether it is complete: RBAC is written as a whole.
fn family(kind: &str) -> &str {
    match kind.split_once('/') {
        Some((group @ "rbac.authorization.k8s.io", _)) => group,
        _ => kind,
    }
}

const DEPLOYMENT: &str = "flink.apache.org/FlinkDeployment";
const BLUE_GREEN: &str = "flink.apache.org/FlinkBlueGreenDeployment";

/// What exists in every cluster without a document: controllers make it.
fn made_by_the_cluster(identity: &Identity) -> Option<Value> {
    let Identity { kind, namespace, name } = identity;
    match (kind.as_str(), name.as_str()) {
        ("ServiceAccount", "default") => {
            Some(json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}}))
        }
        ("Namespace", "default") => Some(json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name,
            "labels": {"kubernetes.io/metadata.name": name}}})),
        _ => None,
    }
}

fn label(object: &mut Value, key: &str, value: &str) {
    let mut at = Some(object);
    for field in ["metadata", "labels"] {
        at = at.and_then(Value::as_object_mut).map(|fields| fields.entry(field).or_insert_with(|| json!({})));
    }
    if let Some(labels) = at.and_then(Value::as_object_mut) {
        labels.insert(key.to_owned(), Value::from(value));
    }
}

/// Each object of the input looks at the others of its namespace; from here on it would take too long.
const MOST_LISTED: usize = 1_000;

/// Kinds without a namespace that stand in manifests beside Flink's.
const CLUSTER_SCOPED: [&str; 13] = [
    "Namespace",
    "Node",
    "PersistentVolume",
    "admissionregistration.k8s.io/MutatingWebhookConfiguration",
    "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
    "apiextensions.k8s.io/CustomResourceDefinition",
    "apiregistration.k8s.io/APIService",
    "flink-admission.io/FlinkPolicy",
    "networking.k8s.io/IngressClass",
    "rbac.authorization.k8s.io/ClusterRole",
    "rbac.authorization.k8s.io/ClusterRoleBinding",
    "scheduling.k8s.io/PriorityClass",
    "storage.k8s.io/StorageClass",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn config_map(name: &str) -> FactKey {
        FactKey::ConfigMap { namespace: "a".into(), name: name.into() }
    }

    fn input(assume: Assume) -> Offline {
        let mut offline = Offline::new(assume);
        offline.put(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}), "a");
        offline
    }

    #[test]
    fn a_shown_kind_is_complete_and_another_is_unknown() {
        let offline = input(Assume::Shown);
        assert!(matches!(offline.answer(&config_map("c")), Answer::Known(_)));
        assert_eq!(offline.answer(&config_map("d")), Answer::Absent);
        assert!(matches!(offline.answer(&FactKey::Namespace("a".into())), Answer::Unknown(_)));
    }

    #[test]
    fn the_user_may_say_how_complete_it_is() {
        let namespace = FactKey::Namespace("a".into());
        assert_eq!(input(Assume::Complete).answer(&namespace), Answer::Absent);
        assert!(matches!(input(Assume::Partial).answer(&config_map("d")), Answer::Unknown(_)));
    }

    #[test]
    fn a_list_holds_what_the_input_shows_of_one_namespace() {
        let mut offline = input(Assume::Partial);
        offline.put(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d"}}), "b");
        offline.put(&json!({"apiVersion": "v1", "kind": "ConfigMapX", "metadata": {"name": "d"}}), "a");
        let list = |of, namespace: &str| match offline.answer(&FactKey::List { of, namespace: namespace.into() }) {
            Answer::Objects(objects) => objects.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!((list(Listed::ConfigMaps, "a"), list(Listed::Workloads, "a")), (1, 0));
        assert_eq!((list(Listed::ConfigMaps, "b"), list(Listed::ConfigMaps, "c")), (1, 0));
    }

    #[test]
    fn a_manifest_without_a_namespace_may_be_for_any() {
        let asked = |namespace: &str, name: &str| FactKey::Claim { namespace: namespace.into(), name: name.into() };
        let claim = |metadata| json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata});
        let mut offline = Offline::default();
        offline.put(&claim(json!({"name": "anywhere"})), "default");
        assert!(matches!(offline.answer(&asked("a", "anywhere")), Answer::Unknown(_)));
        assert_eq!(offline.answer(&asked("a", "nowhere")), Answer::Absent);
        // And the other way round: the claim is there, and what mounts it names no namespace.
        offline.put(&claim(json!({"name": "there", "namespace": "b"})), "b");
        assert!(matches!(offline.answer(&asked("default", "there")), Answer::Unknown(_)));
        assert_eq!(offline.answer(&asked("a", "there")), Answer::Absent);
    }

    #[test]
    fn rbac_is_one_kind() {
        let mut offline = Offline::default();
        let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r"}});
        offline.put(&role, "a");
        assert!(offline.is_complete("rbac.authorization.k8s.io/ClusterRoleBinding"));
        assert!(!offline.is_complete("ServiceAccount"));
    }

    #[test]
    fn every_namespace_has_a_default_service_account() {
        let key = FactKey::ServiceAccount { namespace: "a".into(), name: "default".into() };
        assert!(matches!(Offline::new(Assume::Complete).answer(&key), Answer::Known(_)));
    }

    #[test]
    fn a_namespace_carries_its_name_as_a_label() {
        let mut offline = Offline::default();
        offline.put(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}), "default");
        let Answer::Known(namespace) = offline.answer(&FactKey::Namespace("a".into())) else { panic!() };
        assert_eq!(namespace["metadata"]["labels"]["kubernetes.io/metadata.name"], "a");
    }
}
