//! The objects that the webhook completed: what they would lose without it.
//!
//! What was filled in stands in the stored object and in no manifest. Without the webhook the next `apply` of the manifest
//! takes it away, and a cluster that had high availability by it runs without. The record of it stays when the manifest says
//! the same at last, so that both are compared.

use std::collections::BTreeSet;

use super::api::{Api, METADATA};
use super::manifest::Manifest;
use super::seen::Seen;
use crate::flink::options::{HA_STORAGE_DIR, HA_TYPE};
use crate::inject::{INJECTED_ANNOTATION, Injected, Record};
use crate::object::{annotation, text};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// What the webhook completes: where it is listed, and what an object of the list is.
const KINDS: [(&str, &str, &str, &str); 5] = [
    ("/apis/flink.apache.org/v1beta1/", "flinkdeployments", "flink.apache.org/v1beta1", "FlinkDeployment"),
    (
        "/apis/flink.apache.org/v1beta1/",
        "flinkbluegreendeployments",
        "flink.apache.org/v1beta1",
        "FlinkBlueGreenDeployment",
    ),
    ("/apis/apps/v1/", "deployments", "apps/v1", "Deployment"),
    ("/apis/apps/v1/", "statefulsets", "apps/v1", "StatefulSet"),
    ("/apis/batch/v1/", "jobs", "batch/v1", "Job"),
];

/// An object that was completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// `FlinkDeployment`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What was filled in, in words, but for what its manifest says by now.
    pub values: Vec<String>,
    /// Whether high availability is among it; also where the record cannot be read.
    pub has_ha: bool,
    /// Whether its manifest is known to lack it; else it may stand there by now.
    pub is_certain: bool,
}

/// What a look through the cluster found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// The objects that were completed.
    pub found: Vec<Completed>,
    /// What could not be listed, and why.
    pub unknown: Vec<String>,
    /// The namespaces with Flink's custom resources in them.
    pub flink_namespaces: BTreeSet<String>,
}

impl Completed {
    /// `FlinkDeployment orders/clicks`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}/{}", self.kind, self.namespace, self.name)
    }
}

impl Scan {
    /// Those that have high availability by injection alone.
    pub fn with_ha(&self) -> impl Iterator<Item = &Completed> {
        self.found.iter().filter(|completed| completed.has_ha)
    }
}

/// Looks through the whole cluster: of each kind up to ten thousand objects, of which only the metadata is sent.
pub(super) async fn scan(api: &Api) -> Scan {
    let mut asked = JoinSet::new();
    for (position, (group, plural, ..)) in KINDS.into_iter().enumerate() {
        let api = api.clone();
        asked.spawn(async move { (position, api.list(&format!("{group}{plural}"), "", METADATA).await) });
    }
    let mut answered = asked.join_all().await;
    answered.sort_by_key(|(position, _)| *position);
    let mut scan = Scan::default();
    for ((_, plural, version, kind), (_, listed)) in KINDS.into_iter().zip(answered) {
        match listed {
            Seen::Absent => {}
            Seen::Unknown(why) => scan.unknown.push(format!("{plural}: {why}")),
            Seen::Known(listed) => {
                if !listed.is_complete {
                    scan.unknown.push(format!("{plural}: only the first {} were read", listed.items.len()));
                }
                for object in listed.items {
                    scan.take(object, version, kind);
                }
            }
        }
    }
    scan
}

impl Scan {
    fn take(&mut self, mut object: Value, version: &str, kind: &str) {
        let word = |key: &str| text(&object, &["metadata", key]).unwrap_or_default().to_owned();
        let (namespace, name) = (word("namespace"), word("name"));
        if kind.starts_with("Flink") {
            self.flink_namespaces.insert(namespace.clone());
        }
        if annotation(&object, INJECTED_ANNOTATION).is_none() {
            return;
        }
        // A list of metadata says so of its objects, and which values may be ours depends on what they are.
        if let Some(fields) = object.as_object_mut() {
            fields.insert("apiVersion".to_owned(), json!(version));
        }
        let record = Record::of(&object);
        let (mut values, mut has_ha, mut is_certain) = (Vec::new(), false, true);
        for value in record.iter().flat_map(|record| &record.values) {
            if let Some(option) = of_ha(value) {
                match Manifest::of(&object, option) {
                    Manifest::Says => continue,
                    Manifest::Lacks => {}
                    Manifest::Unknown => is_certain = false,
                }
                has_ha = true;
            }
            values.push(value.in_words());
        }
        if record.is_none_or(|record| !record.unknown.is_empty()) {
            (has_ha, is_certain) = (true, false);
        }
        self.found.push(Completed { kind: kind.to_owned(), namespace, name, values, has_ha, is_certain });
    }
}

/// The option that `value` is, where a cluster has its high availability by it.
fn of_ha(value: &Injected) -> Option<&str> {
    match value {
        Injected::Option { option, .. } if option == HA_TYPE || option == HA_STORAGE_DIR => Some(option),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(record: &str, kind: &str, version: &str) -> Scan {
        let mut scan = Scan::default();
        let metadata = json!({"namespace": "a", "name": "b", "annotations": {INJECTED_ANNOTATION: record}});
        scan.take(json!({"apiVersion": "meta.k8s.io/v1", "metadata": metadata}), version, kind);
        scan
    }

    #[test]
    fn ha_is_told_from_what_else_is_filled_in() {
        let option = r#"{"what":"option","option":"high-availability.type","key":"high-availability.type","value":"kubernetes"}"#;
        let account = r#"{"what":"serviceAccount","value":"flink"}"#;
        let record = |values: &str| format!(r#"{{"namespace":"a","name":"b","values":[{values}]}}"#);
        let of = |record: &str| {
            let scan = taken(record, "FlinkDeployment", "flink.apache.org/v1beta1");
            (scan.with_ha().count(), scan.found.len())
        };
        assert_eq!(of(&record(&format!("{account},{option}"))), (1, 1));
        assert_eq!(of(&record(account)), (0, 1));
        // What a newer version wrote may be anything.
        assert_eq!(of(&record(r#"{"what":"more"}"#)), (1, 1));
        assert_eq!(of("not readable"), (1, 1));
    }

    #[test]
    fn what_the_manifest_says_is_not_by_injection() {
        let option = |option: &str| json!({"what": "option", "option": option, "key": option, "value": "x"});
        let record = json!({"namespace": "a", "name": "b", "values": [option(HA_TYPE), option(HA_STORAGE_DIR)]});
        let of = |owned: Value| {
            let fields = json!({"f:spec": {"f:flinkConfiguration": owned}});
            let managed = json!([{"manager": "a", "operation": "Apply", "fieldsV1": fields}]);
            let mut scan = Scan::default();
            let annotations = json!({INJECTED_ANNOTATION: record.to_string()});
            let metadata = json!({"namespace": "a", "name": "b", "annotations": annotations, "managedFields": managed});
            scan.take(json!({"metadata": metadata}), "flink.apache.org/v1beta1", "FlinkDeployment");
            let found = scan.with_ha().next().cloned();
            found.map(|found| (found.values.len(), found.is_certain))
        };
        assert_eq!(of(json!({"f:parallelism.default": {}})), Some((2, true)));
        assert_eq!(of(json!({"f:high-availability.type": {}})), Some((1, true)));
        assert_eq!(of(json!({"f:high-availability": {"f:type": {}, "f:storageDir": {}}})), None);
    }
}
