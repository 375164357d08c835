//! Disaster recovery: what a backup holds is created again where the installation that completed it is gone.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::stage::{PLATFORM, cluster, empty, give_account};
use crate::support::{ControlPlane, Registration};

const INJECTED: &str = "flink-admission.io/injected";
/// Half of them FlinkDeployments, half of them Deployments.
const OBJECTS: usize = 100;

/// What was in force when the backup was made: HA alone.
const FORMER: &str = r#"
metadata: {name: former}
spec:
  highAvailability: {mode: kubernetes, storageDir: "s3://flink/ha/{namespace}"}
"#;

fn job_manager(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {
                "serviceAccountName": "flink",
                "containers": [{"name": "jobmanager", "image": "flink:1.20.1", "args": ["jobmanager"]}],
            },
        }},
    })
}

fn originals() -> Vec<Value> {
    let pairs = (0..OBJECTS / 2).map(|number| {
        let mut resource = cluster("v1_20", &json!({"taskmanager.numberOfTaskSlots": "2"}));
        resource["metadata"]["name"] = json!(format!("orders-{number}"));
        resource["spec"]["serviceAccount"] = json!("flink");
        [resource, job_manager(&format!("clicks-{number}-jobmanager"))]
    });
    pairs.flatten().collect()
}

fn list(items: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

/// What is stored of both kinds.
fn stored(plane: &ControlPlane, namespace: &str) -> Vec<Value> {
    let text = plane.kubectl(&["get", "flinkdeployments,deployments.apps", "-n", namespace, "-o", "json"]).succeeded();
    let mut listed: Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(listed["items"].take()).unwrap()
}

/// As tools for backups keep it: without what the API server gives.
fn backed_up(stored: &[Value]) -> Vec<Value> {
    let mut backup = stored.to_vec();
    for object in &mut backup {
        object.as_object_mut().unwrap().remove("status");
        let metadata = object["metadata"].as_object_mut().unwrap();
        for given in ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"] {
            metadata.remove(given);
        }
    }
    backup
}

/// Whether HA and the checkpoint directory are there, and the record tells of HA.
fn is_complete(object: &Value) -> bool {
    let all = object["spec"].to_string();
    let record = object["metadata"]["annotations"][INJECTED].as_str().unwrap_or_default();
    let wanted = ["high-availability.type", "high-availability.storageDir", "execution.checkpointing.dir"];
    wanted.into_iter().all(|option| all.matches(option).count() == 1 && record.contains(option))
}

/// The first object of `before` of which `what` is another in `after`.
fn first_changed<'a>(before: &'a [Value], after: &[Value], what: impl Fn(&Value) -> Value) -> Option<&'a Value> {
    let after: BTreeMap<&str, Value> = after.iter().map(|object| (uid(object), what(object))).collect();
    before.iter().find(|object| after.get(uid(object)) != Some(&what(object)))
}

fn uid(object: &Value) -> &str {
    object["metadata"]["uid"].as_str().unwrap()
}

#[test]
fn accepts_a_hundred_objects_of_a_backup_and_completes_each_once() {
    let Some((plane, namespace)) = empty("restored") else { return };
    give_account(plane, &namespace);
    let send = |args: &[&str], items: &[Value]| {
        let args = [&["-n", &namespace], args, &["-f", "-"]].concat();
        plane.admin().kubectl_with(&args, &list(items)).succeeded();
    };
    let former = Registration::start(plane, FORMER, &[&namespace]);
    send(&["create"], &originals());
    let before = stored(plane, &namespace);
    assert_eq!(before.len(), OBJECTS);
    assert!(
        before.iter().all(|object| object["metadata"]["annotations"][INJECTED].is_string() && !is_complete(object))
    );
    let backup = backed_up(&before);

    // All is lost, the installation too.
    let all = ["delete", "flinkdeployments,deployments.apps", "--all", "--wait=false", "-n", &namespace];
    plane.kubectl(&all).succeeded();
    for kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
        former.remove(kind);
    }
    drop(former);
    assert_eq!(stored(plane, &namespace).len(), 0);

    let registration = Registration::start(plane, PLATFORM, &[&namespace]);
    let reviewed = registration.reviews("validate");
    send(&["create"], &backup);
    assert_eq!(registration.reviews("validate") - reviewed, u64::try_from(OBJECTS).unwrap());
    let restored = stored(plane, &namespace);
    let incomplete: Vec<&Value> = restored.iter().filter(|object| !is_complete(object)).collect();
    assert!(
        restored.len() == OBJECTS && incomplete.is_empty(),
        "{} of {}: {:#?}",
        incomplete.len(),
        restored.len(),
        incomplete.first()
    );
    assert!(restored.iter().all(|new| before.iter().all(|old| uid(old) != uid(new))), "these are the old ones");

    // What the backup says a second time is what stands there: nothing restarts, and nothing is added.
    send(&["replace"], &backup);
    let again = stored(plane, &namespace);
    let what = |object: &Value| {
        json!([object["spec"], object["metadata"]["annotations"][INJECTED], object["metadata"]["generation"]])
    };
    assert_eq!(first_changed(&restored, &again, what), None);
    // And what stands there, read and sent back, is stored as it is.
    send(&["replace"], &again);
    let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
    assert_eq!(first_changed(&again, &stored(plane, &namespace), version), None);
}
