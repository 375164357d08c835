//! Anti-affinity for several JobManagers, where the policy wants them kept apart.
//!
//! It is preferred, not required: a cluster of one node still starts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::flink::deployment::walk;
use crate::flink::raw::TEMPLATE;
use crate::flink::spread::{is_spread, unspread};
use crate::inject::{Injected, Place, Work};
use crate::object::{FieldPath, map};
use crate::policy::Role;

/// Keeps JobManagers apart that nothing else does.
pub(super) fn add(work: &mut Work<'_>) {
    if !work.target.policy.asks_for_remedy("jobmanagers-not-spread") || unspread(&work.cluster()).is_none() {
        return;
    }
    if let Some(labels) = labels(work) {
        set(work, &labels);
    }
}

/// Restores the terms where nothing took their place.
pub(super) fn restore(work: &mut Work<'_>, labels: &BTreeMap<String, String>) {
    let is_lacking = work.cluster().role(Role::JobManager).is_some_and(|view| !is_spread(&view.pod));
    if is_lacking {
        set(work, labels);
    }
}

/// Whether the terms stand as they were set.
pub(super) fn stands(work: &Work<'_>, labels: &BTreeMap<String, String>) -> bool {
    path(work).is_some_and(|path| walk(work.edits.document(), &path) == Some(&terms(labels)))
}

/// Takes the terms out again, where they stand as they were set, and the maps that this empties.
pub(super) fn remove(work: &mut Work<'_>, labels: &BTreeMap<String, String>) {
    let Some(path) = path(work).filter(|_| stands(work, labels)) else { return };
    work.edits.remove(&path);
    if let Some((above, _)) = path.split_last() {
        work.edits.prune(&above);
    }
}

fn set(work: &mut Work<'_>, labels: &BTreeMap<String, String>) {
    if path(work).is_some_and(|path| work.edits.set(&path, terms(labels))) {
        work.added.push(Injected::Spread { labels: labels.clone() });
    }
}

/// Where the terms stand: in the JobManager's own template; `None` where that would have to be made with its block, which
/// brings a default of one replica.
fn path(work: &Work<'_>) -> Option<FieldPath> {
    let template = match work.target.place()? {
        Place::Resource(spec) => {
            let block = spec.key("jobManager");
            walk(work.edits.document(), &block)?;
            block.key("podTemplate")
        }
        Place::Pods(_) => FieldPath::of(&TEMPLATE),
    };
    Some(template.keys(&["spec", "affinity", "podAntiAffinity", "preferredDuringSchedulingIgnoredDuringExecution"]))
}

/// The labels that the JobManagers' pods share with nothing else; `None` where they cannot be known.
///
/// Source for a FlinkDeployment: Flink `KubernetesUtils.getJobManagerSelectors`, operator `StandaloneKubernetesUtils`: `app`
/// is the cluster's id, which is the name; the children of a FlinkBlueGreenDeployment have names of their own.
fn labels(work: &Work<'_>) -> Option<BTreeMap<String, String>> {
    match work.target.place()? {
        Place::Resource(spec) if *spec == FieldPath::of(&["spec"]) => {
            let pairs = [("app", work.target.name?), ("component", "jobmanager")];
            Some(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into())
        }
        Place::Resource(_) => None,
        Place::Pods(_) => {
            let object = work.edits.document();
            // A Job's selector is made when it is stored.
            let pairs = map(object, &["spec", "selector", "matchLabels"])
                .or_else(|| map(object, &["spec", "template", "metadata", "labels"]))?;
            let labels = pairs.iter().map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
            labels.collect::<Option<BTreeMap<_, _>>>().filter(|labels| !labels.is_empty())
        }
    }
}

/// Another node if there is one, in another zone if there is one.
pub(super) fn terms(labels: &BTreeMap<String, String>) -> Value {
    let term = |weight: u8, topology: &str| json!({"weight": weight, "podAffinityTerm": {"labelSelector": {"matchLabels": labels}, "topologyKey": topology}});
    json!([term(100, "kubernetes.io/hostname"), term(50, "topology.kubernetes.io/zone")])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::admission::Operation;
    use crate::facts::Facts;
    use crate::policy::Policies;
    use crate::verdict::{Subject, judge};
    use crate::workload::recognise;

    const POLICY: &str = "spec: {optOut: true, optionalRemedies: [jobmanagers-not-spread, jar-upload-open]}";

    fn resource() -> Value {
        json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": {"name": "a"}, "spec": {
            "flinkVersion": "v1_20", "job": {"jarURI": "local:///a.jar"}, "jobManager": {"replicas": 2},
            "flinkConfiguration": {"high-availability.type": "kubernetes", "high-availability.storageDir": "s3://b/ha"}}})
    }

    fn role(word: &str) -> Value {
        let configuration = "high-availability: kubernetes\nhigh-availability.storageDir: s3://b/ha";
        let container = json!({"name": "main", "image": "flink:1.20.1", "args": [word],
            "env": [{"name": "FLINK_PROPERTIES", "value": configuration}]});
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a-jobmanager"}, "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": "a", "component": "jm"}},
            "template": {"metadata": {"labels": {"app": "a", "component": "jm", "pod": "x"}},
                "spec": {"containers": [container]}}}})
    }

    fn stored(object: &Value, old: Option<&Value>) -> Value {
        stored_as(object, old, object["metadata"]["name"].as_str())
    }

    fn stored_as(object: &Value, old: Option<&Value>, name: Option<&str>) -> Value {
        let operation = if old.is_some() { Operation::Update } else { Operation::Create };
        let workload = recognise(object).unwrap();
        let subject = Subject { object, old, operation, namespace: "shop", name, workload: &workload };
        judge(&subject, &Policies::from_text(POLICY).unwrap(), &Facts::default()).stored
    }

    fn selected<'v>(object: &'v Value, template: &str) -> &'v Value {
        let terms = "/spec/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/0";
        let labels = "/podAffinityTerm/labelSelector/matchLabels";
        object.pointer(&format!("{template}{terms}{labels}")).unwrap_or(&Value::Null)
    }

    #[test]
    fn terms_select_the_job_managers_and_nothing_else() {
        let created = stored(&resource(), None);
        assert_eq!(selected(&created, "/spec/jobManager/podTemplate"), &json!({"app": "a", "component": "jobmanager"}));
        let created = stored(&role("standalone-job"), None);
        assert_eq!(selected(&created, "/spec/template"), &json!({"app": "a", "component": "jm"}));
    }

    #[test]
    fn what_was_set_is_put_back_and_withdrawn() {
        for object in [resource(), role("standalone-job")] {
            let created = stored(&object, None);
            assert_eq!(stored(&created, None), created, "a second review");
            assert_eq!(stored(&object, Some(&created)), created, "put back");
            let mut update = created.clone();
            update["metadata"]["annotations"]["flink-admission.io/inject"] = json!("false");
            let withdrawn = stored(&update, Some(&created));
            assert_eq!(selected(&withdrawn, "/spec/jobManager/podTemplate"), &Value::Null);
            assert!(withdrawn.pointer("/spec/template/spec/affinity").is_none(), "{withdrawn}");
            assert!(!withdrawn["spec"].to_string().contains("web.submit.enable"), "{withdrawn}");
        }
    }

    #[test]
    fn a_copy_gets_its_own_labels_and_other_terms_stay() {
        let mut copy = stored(&resource(), None);
        copy["metadata"]["name"] = json!("b");
        assert_eq!(selected(&stored(&copy, None), "/spec/jobManager/podTemplate")["app"], "b");
        let mut update = resource();
        update["spec"]["podTemplate"] = json!({"spec": {"topologySpreadConstraints": [{"maxSkew": 1}]}});
        let kept = stored(&update, Some(&stored(&resource(), None)));
        assert_eq!(selected(&kept, "/spec/jobManager/podTemplate"), &Value::Null);
        assert_eq!(stored_as(&resource(), None, None)["spec"]["jobManager"], json!({"replicas": 2}), "no name yet");
    }

    #[test]
    fn a_cluster_that_becomes_a_session_takes_jobs() {
        let created = stored(&role("standalone-job"), None);
        assert!(created["spec"].to_string().contains("-Dweb.submit.enable=false"), "{created}");
        let session = stored(&role("jobmanager"), Some(&created));
        assert!(!session["spec"].to_string().contains("web.submit.enable"), "{session}");
    }
}
