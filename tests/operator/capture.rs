//! Writes down what the operator made.

use std::path::Path;

use serde_json::{Value, json};

use super::fleet::{Fleet, name};
use super::made::INPUT;

/// Writes a directory for each cluster of `fleet`: what was applied, and each object that came of it.
pub fn capture(fleet: &Fleet, root: &Path) {
    let _ = std::fs::remove_dir_all(root);
    for cluster in &fleet.clusters {
        let directory = root.join(name(cluster));
        std::fs::create_dir_all(&directory).unwrap();
        write(&directory.join(INPUT), cluster);
        let selector = format!("app={}", name(cluster));
        let get = ["get", "deployments,services,configmaps", "-l", &selector, "-o", "json"];
        let list: Value = serde_json::from_str(&fleet.stage.kubectl(&get).succeeded()).unwrap();
        for object in list["items"].as_array().unwrap() {
            let title = format!("{}-{}.yaml", object["kind"].as_str().unwrap().to_lowercase(), name(object));
            write(&directory.join(title), &sanitized(object, &fleet.stage.namespace));
        }
    }
}

/// `object` without what differs from run to run.
fn sanitized(object: &Value, namespace: &str) -> Value {
    let mut object = object.clone();
    object.as_object_mut().unwrap().remove("status");
    for field in ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"] {
        object["metadata"].as_object_mut().unwrap().remove(field);
    }
    if let Some(Value::Object(spec)) = object.get_mut("spec") {
        spec.retain(|key, _| key != "clusterIP" && key != "clusterIPs");
    }
    let zeros = "00000000-0000-0000-0000-000000000000";
    for owner in object["metadata"]["ownerReferences"].as_array_mut().expect("owners") {
        owner["uid"] = json!(zeros);
    }
    object["metadata"]["namespace"] = json!("shop");
    if let Some(text) = object.pointer("/data/flink-conf.yaml").and_then(Value::as_str) {
        // The operator writes them in no order.
        let mut lines: Vec<String> = text.lines().map(|line| line.replace(namespace, "shop")).collect();
        lines.sort();
        let lines = lines.iter().map(|line| match line.split_once(": ") {
            Some((key @ "$internal.pipeline.job-id", _)) => format!("{key}: {}", "0".repeat(32)),
            Some((key @ "job-result-store.storage-path", value)) => {
                format!("{key}: {}/{zeros}", value.rsplit_once('/').unwrap().0)
            }
            Some((key @ "kubernetes.jobmanager.owner.reference", _)) => format!("{key}: uid:{zeros}"),
            Some((key, _)) if key.starts_with("kubernetes.pod-template-file") => format!("{key}: /tmp/template.yaml"),
            _ => line.clone(),
        });
        object["data"]["flink-conf.yaml"] = json!(lines.map(|line| line + "\n").collect::<String>());
    }
    object
}

fn write(path: &Path, object: &Value) {
    std::fs::write(path, serde_saphyr::to_string(object).unwrap()).unwrap();
}
