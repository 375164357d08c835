//! FlinkDeployments as users write them: without HA.

use serde_json::{Value, json};

/// HA, ServiceAccount and directories on a claim that every cluster gets.
pub const PLATFORM: &str = r#"
metadata: {name: platform}
spec:
  highAvailability: {mode: kubernetes, storageDir: "file:///flink-data/ha/{namespace}"}
  checkpoints:
    directory: "file:///flink-data/checkpoints/{cluster}"
    savepoints: "file:///flink-data/savepoints/{cluster}"
  serviceAccount: {name: flink}
  volumes: [{name: flink-data, claimName: flink-data, mountPath: /flink-data}]
"#;

/// A session cluster.
pub fn session(name: &str, version: &str) -> Value {
    json!({
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": name},
        "spec": {
            "image": "registry.example.net/shop/word-count:1.4.2",
            "flinkVersion": version,
            "flinkConfiguration": {"taskmanager.numberOfTaskSlots": "2"},
            "jobManager": {"resource": {"cpu": 0.5, "memory": "1024m"}},
            "taskManager": {"resource": {"cpu": 0.5, "memory": "1024m"}},
        },
    })
}

/// An application cluster.
pub fn application(name: &str, version: &str) -> Value {
    let mut object = session(name, version);
    object["spec"]["job"] = json!({
        "jarURI": "local:///opt/flink/usrlib/job.jar", "entryClass": "net.example.WordCount",
        "parallelism": 2, "upgradeMode": "last-state", "state": "running",
    });
    object
}

/// The same in mode `standalone`.
pub fn standalone(mut object: Value) -> Value {
    object["spec"]["mode"] = json!("standalone");
    object
}

/// The same with templates whose lists the operator merges by position: a volume and a mount for both roles, a sidecar for
/// the JobManager, another volume for the TaskManager.
pub fn with_templates(mut object: Value) -> Value {
    let main = |mounts: Value| json!({"name": "flink-main-container", "volumeMounts": mounts});
    object["spec"]["podTemplate"] = json!({"spec": {
        "containers": [main(json!([{"name": "scratch", "mountPath": "/scratch"}]))],
        "volumes": [{"name": "scratch", "emptyDir": {}}],
    }});
    object["spec"]["jobManager"]["podTemplate"] = json!({"spec": {"containers": [
        main(json!([])),
        {"name": "shipper", "image": "registry.example.net/shop/shipper:3.2.1"},
    ]}});
    object["spec"]["taskManager"]["podTemplate"] = json!({"spec": {
        "containers": [main(json!([
            {"name": "scratch", "mountPath": "/scratch"}, {"name": "models", "mountPath": "/models"},
        ]))],
        "volumes": [{"name": "scratch", "emptyDir": {}}, {"name": "models", "configMap": {"name": "models"}}],
    }});
    object
}

/// A job for the session cluster `session`.
pub fn session_job(name: &str, session: &str) -> Value {
    json!({
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkSessionJob",
        "metadata": {"name": name},
        "spec": {"deploymentName": session, "job": {
            "jarURI": "https://repo.example.net/job.jar", "parallelism": 1, "upgradeMode": "stateless",
        }},
    })
}
