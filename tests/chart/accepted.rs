//! The API server takes what the chart makes of any values: schema, fields and rules of each object, by a dry run.
//!
//! Kinds of cert-manager and of the Prometheus Operator are not served here; the golden output holds them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::golden::cases;
use super::rendered::{objects, template};
use crate::support::{ControlPlane, Outcome};

const ELSEWHERE: [&str; 4] = ["Certificate", "Issuer", "PrometheusRule", "ServiceMonitor"];

/// The cases, and that of no values.
fn flags() -> Vec<(String, Vec<String>)> {
    let mut flags = vec![("default".to_owned(), Vec::new())];
    for (name, values) in cases() {
        flags.push((name, vec!["--values".to_owned(), values.display().to_string()]));
    }
    flags
}

fn rendered(plane: &ControlPlane, namespace: &str, flags: &[String]) -> Vec<Value> {
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    objects(&template(plane.admin(), "flink-admission", namespace, &flags))
}

fn dry_run(plane: &ControlPlane, objects: &[Value]) -> Outcome {
    let command = ["create", "--dry-run=server", "--validate=strict", "-f", "-"];
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    plane.admin().kubectl_with(&command, &list.to_string())
}

#[test]
fn every_object_is_accepted() {
    let Some(plane) = ControlPlane::shared() else { return };
    let namespace = plane.create_namespace("accepted");
    let (mut tried, mut elsewhere) = (BTreeSet::new(), BTreeSet::new());
    for (name, flags) in flags() {
        let mut here = Vec::new();
        for object in rendered(plane, &namespace, &flags) {
            let kind = object["kind"].as_str().unwrap().to_owned();
            if ELSEWHERE.contains(&kind.as_str()) {
                elsewhere.insert(kind);
                continue;
            }
            // What the program is given to write.
            here.extend(object["data"]["webhooks.yaml"].as_str().map(objects).unwrap_or_default());
            here.push(object);
            tried.insert(kind);
        }
        let outcome = dry_run(plane, &here);
        assert!(outcome.success, "{name}: {}", outcome.stderr);
        assert_eq!(outcome.stdout.lines().filter(|line| line.contains("created")).count(), here.len(), "{name}");
    }
    assert_eq!(elsewhere, BTreeSet::from(ELSEWHERE.map(str::to_owned)));
    assert!(tried.len() >= 13, "{tried:?}");
    // It can fail: a field that Kubernetes does not know.
    let misspelt = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": namespace},
        "dat": {}});
    assert!(dry_run(plane, &[misspelt]).refused().contains("unknown field \"dat\""));
}

/// All pods that the chart has the cluster make.
fn pods(objects: &[Value]) -> Vec<Value> {
    let mut pods = Vec::new();
    for object in objects {
        let mut pod = match object["kind"].as_str() {
            Some("Deployment") => object["spec"]["template"].clone(),
            Some("Pod") => object.clone(),
            _ => continue,
        };
        pod["apiVersion"] = json!("v1");
        pod["kind"] = json!("Pod");
        pod["metadata"]["name"] = json!(format!("pod-{}", pods.len()));
        pods.push(pod);
    }
    assert_eq!(pods.len(), 2, "a replica, and the one of `helm test`");
    pods
}

#[test]
fn pods_run_with_the_least_that_they_need() {
    let Some(plane) = ControlPlane::shared() else { return };
    let namespace = plane.create_namespace("restricted");
    // The strictest of the pod security standards, enforced by the API server.
    plane.kubectl(&["label", "namespace", &namespace, "pod-security.kubernetes.io/enforce=restricted"]).succeeded();
    let create = |pod: &Value| {
        let command = ["create", "--dry-run=server", "-n", &namespace, "-f", "-"];
        plane.admin().kubectl_with(&command, &pod.to_string())
    };
    for (name, flags) in flags() {
        for (number, mut pod) in pods(&rendered(plane, &namespace, &flags)).into_iter().enumerate() {
            if name == "host-network" && number == 0 {
                let refused = create(&pod).refused();
                assert!(refused.contains("host namespaces (hostNetwork=true)"), "{refused}");
                continue;
            }
            pod["metadata"]["namespace"] = json!(namespace);
            let outcome = create(&pod);
            assert!(outcome.success, "{name}: {}", outcome.stderr);
            pod["spec"]["securityContext"]["runAsNonRoot"] = json!(false);
            assert!(create(&pod).refused().contains("runAsNonRoot"), "{name}");
        }
    }
}

#[test]
fn openshift_chooses_the_ids() {
    let Some(plane) = ControlPlane::shared() else { return };
    let text = template(plane.admin(), "flink-admission", "flink-system", &["--set", "openshift=true"]);
    for word in ["runAsUser", "runAsGroup", "fsGroup", "supplementalGroups"] {
        assert!(!text.contains(word), "{word}");
    }
    assert!(template(plane.admin(), "flink-admission", "flink-system", &[]).contains("runAsUser"));
}

#[test]
fn a_replica_has_time_to_leave() {
    let Some(plane) = ControlPlane::shared() else { return };
    for (name, flags) in flags() {
        let objects = rendered(plane, "flink-system", &flags);
        let deployment = objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
        let spec = &deployment["spec"]["template"]["spec"];
        let seconds = |option: &str| -> i64 {
            let mut args = spec["containers"][0]["args"].as_array().unwrap().iter().filter_map(Value::as_str);
            let value = args.find_map(|arg| arg.strip_prefix(option)?.strip_prefix('=')?.strip_suffix('s')).unwrap();
            value.parse().unwrap()
        };
        let grace = spec["terminationGracePeriodSeconds"].as_i64().unwrap();
        assert!(grace > seconds("--drain") + seconds("--finish"), "{name}: a replica is killed before it has drained");
    }
}
