//! UPDATEs of objects in which something was filled in: an entry of their own, and no other, sees them.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::{Taken, Unanswered, chart, chart_with, programs};
use crate::support::ControlPlane;

const RECORD: &str = "flink-admission.io/injected";

/// What reaches the webhooks that do not answer names the first that was asked.
fn entry(error: &kube::Error) -> String {
    let message = error.to_string();
    let name = message.split_once("failed calling webhook \"").unwrap_or_else(|| panic!("{message}")).1;
    name.split('.').next().unwrap().to_owned()
}

/// A FlinkDeployment, and a Deployment of a JobManager, both with a record.
fn recorded() -> [Value; 2] {
    let containers = json!([{"name": "main", "image": "flink", "args": ["jobmanager"]}]);
    let [mut deployment, ..] = programs::workloads("standalone", &containers);
    deployment["metadata"]["annotations"] = json!({RECORD: "{}"});
    let cluster = json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
        "metadata": {"name": "cluster", "annotations": {RECORD: "{}"}}, "spec": {"flinkVersion": "v1_20"}});
    [cluster, deployment]
}

#[tokio::test]
async fn each_update_is_seen_once() {
    let Some(plane) = ControlPlane::shared() else { return };
    let namespace = plane.create_namespace("recorded");
    // Created before the rules hold.
    for object in recorded() {
        let mut fresh = object.clone();
        fresh["metadata"]["name"] = json!(format!("fresh-{}", object["metadata"]["name"].as_str().unwrap()));
        fresh["metadata"]["annotations"] = json!({});
        for object in [&object, &fresh] {
            plane.admin().kubectl_with(&["create", "-n", &namespace, "-f", "-"], &object.to_string()).succeeded();
        }
    }
    let unanswered = Unanswered::in_this(plane, namespace).await;
    for (object, usual) in recorded().into_iter().zip(["clusters", "workloads"]) {
        assert_eq!(entry(&unanswered.touch(&object).await.unwrap_err()), "recorded");
        // Taking the record away, or bringing one along, changes nothing.
        let name = object["metadata"]["name"].as_str().unwrap();
        let api = unanswered.api(&serde_json::from_value(object.clone()).unwrap());
        for (name, record, expected) in
            [(name.to_owned(), json!(null), "recorded"), (format!("fresh-{name}"), json!("{}"), usual)]
        {
            let patch = json!({"metadata": {"annotations": {RECORD: record}}});
            let changed = api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await;
            assert_eq!(entry(&changed.unwrap_err()), expected, "{name}");
        }
        let mut copied = object.clone();
        copied["metadata"]["name"] = json!("copied");
        assert_eq!(entry(&unanswered.create(&copied, true).await.unwrap_err()), usual);
    }
}

#[tokio::test]
async fn one_entry_of_each_configuration_takes_them() {
    let Some(plane) = ControlPlane::shared() else { return };
    let [cluster, deployment] = recorded();
    for configuration in 0..2 {
        for left in ["clusters", "workloads", "recorded"] {
            let namespace = plane.create_namespace("one-entry");
            for object in [&cluster, &deployment] {
                plane.admin().kubectl_with(&["create", "-n", &namespace, "-f", "-"], &object.to_string()).succeeded();
            }
            let mut rules = chart(plane).remove(configuration);
            let name = json!(format!("{left}.flink-admission.io"));
            rules["webhooks"].as_array_mut().unwrap().retain(|webhook| webhook["name"] == name);
            let mut fresh = if left == "clusters" { cluster.clone() } else { deployment.clone() };
            fresh["metadata"]["name"] = json!("fresh");
            let taken = if left == "recorded" { Taken::Update(cluster.clone()) } else { Taken::Creation(fresh) };
            let unanswered = Unanswered::with_rules(plane, namespace, &[rules], taken).await;
            for object in [&cluster, &deployment] {
                let touched = unanswered.touch(object).await;
                assert_eq!(touched.is_err(), left == "recorded", "{left}: {touched:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_being_deleted_passes() {
    let Some(plane) = ControlPlane::shared() else { return };
    let namespace = plane.create_namespace("deleted");
    for mut object in recorded() {
        object["metadata"]["finalizers"] = json!(["example.net/wait"]);
        plane.admin().kubectl_with(&["create", "-n", &namespace, "-f", "-"], &object.to_string()).succeeded();
    }
    let unanswered = Unanswered::in_this(plane, namespace).await;
    for object in recorded() {
        let api = unanswered.api(&serde_json::from_value(object.clone()).unwrap());
        let name = object["metadata"]["name"].as_str().unwrap();
        let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
        assert_eq!(entry(&api.patch(name, &PatchParams::default(), &free).await.unwrap_err()), "recorded");
        api.delete(name, &kube::api::DeleteParams::background()).await.unwrap();
        api.patch(name, &PatchParams::default(), &free).await.unwrap();
    }
}

#[tokio::test]
async fn exempt_groups_pass() {
    let Some(plane) = ControlPlane::shared() else { return };
    let namespace = plane.create_namespace("exempt");
    let objects = chart_with(plane, &["webhooks.exemptGroups={break-glass,say \"yes\"}"]);
    let [cluster, deployment] = recorded();
    let unanswered = Unanswered::with_rules(plane, namespace, &objects, Taken::Creation(deployment.clone())).await;
    for (group, exempt) in [("break-glass", true), ("say \"yes\"", true), ("others", false)] {
        for object in [&cluster, &deployment] {
            let args = ["create", "--dry-run=server", "-n", &unanswered.namespace, "-f", "-", "--as=somebody"];
            let groups = format!("--as-group={group}");
            let args = [&args[..], &[&groups, "--as-group=system:masters"]].concat();
            let created = plane.admin().kubectl_with(&args, &object.to_string());
            assert_eq!(created.success, exempt, "{group}: {}", created.stderr);
        }
    }
}
