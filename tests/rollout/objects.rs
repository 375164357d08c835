//! What the client sends, and what must become of it.

use serde_json::{Value, json};

/// HA and directories for clusters that have none: every cluster that is sent is changed by it, or the webhook was not asked.
pub fn policy() -> Value {
    json!({
        "apiVersion": "flink-admission.io/v1alpha1", "kind": "FlinkPolicy", "metadata": {"name": "platform"},
        "spec": {
            "highAvailability": {"mode": "kubernetes", "storageDir": "s3://flink/ha/{namespace}"},
            "checkpoints": {
                "directory": "s3://flink/checkpoints/{namespace}/{cluster}",
                "savepoints": "s3://flink/savepoints/{namespace}/{cluster}",
            },
            "serviceAccount": {"name": "flink"},
        },
    })
}

/// A FlinkDeployment without HA.
pub fn cluster(name: &str) -> Value {
    json!({
        "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": {"name": name},
        "spec": {
            "image": "registry.example.net/shop/orders:1.4.2", "flinkVersion": "v1_20",
            "jobManager": {"replicas": 1, "resource": {"cpu": 1, "memory": "2048m"}},
            "taskManager": {"resource": {"cpu": 1, "memory": "2048m"}},
            "job": {"jarURI": "local:///opt/flink/usrlib/job.jar", "parallelism": 2, "upgradeMode": "last-state"},
        },
    })
}

/// A FlinkDeployment whose HA metadata lies in a container, which is refused.
pub fn forgetful_cluster(name: &str) -> Value {
    let mut object = cluster(name);
    object["spec"]["flinkConfiguration"] =
        json!({"high-availability.type": "kubernetes", "high-availability.storageDir": "file:///tmp/ha"});
    object
}

/// A Deployment of a standalone JobManager without HA; the cluster is known where `name` ends with `-jobmanager`.
pub fn job_manager(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "serviceAccountName": "flink",
                    "containers": [{"name": "jobmanager", "image": "flink:1.20.1", "args": ["jobmanager"]}],
                },
            },
        },
    })
}

/// Whether HA is filled in.
pub fn is_changed(object: &Value) -> bool {
    let configuration = &object["spec"]["flinkConfiguration"]["high-availability.type"];
    let arguments = &object["spec"]["template"]["spec"]["containers"][0]["args"];
    let has_argument =
        arguments.as_array().is_some_and(|words| words.iter().any(|word| word == "high-availability.type=kubernetes"));
    object["metadata"]["annotations"]["flink-admission.io/injected"].is_string()
        && (configuration == "kubernetes" || has_argument)
}
