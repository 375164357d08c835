//! What a GitOps controller sees of what was filled in: server-side apply, again and again, changes nothing.

use serde_json::{Value, json};

use super::stage::{Stage, cluster, versions};

/// HA on a claim that every cluster gets, so that lists of the manifest grow.
const ON_CLAIM: &str = r#"
metadata: {name: on-claim}
spec:
  highAvailability: {mode: kubernetes, storageDir: "file:///flink-data/ha/{namespace}"}
  serviceAccount: {name: flink}
  volumes: [{name: flink-data, claimName: flink-data, mountPath: /flink-data}]
"#;

/// A cluster with lists of its own.
fn resource() -> Value {
    let mut object = cluster("v1_20", &json!({"taskmanager.numberOfTaskSlots": "2"}));
    object["spec"]["podTemplate"] = json!({"spec": {
        "containers": [{
            "name": "flink-main-container",
            "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
        }],
        "volumes": [{"name": "scratch", "emptyDir": {}}],
    }});
    object
}

/// A standalone JobManager, whose arguments are one list that belongs to whoever applies it.
fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "orders-jobmanager"},
        "spec": {
            "selector": {"matchLabels": {"app": "orders"}},
            "template": {
                "metadata": {"labels": {"app": "orders"}},
                "spec": {"containers": [{
                    "name": "jobmanager", "image": "flink:1.20.1", "args": ["jobmanager"],
                    "ports": [{"containerPort": 6123, "protocol": "TCP"}],
                }]},
            },
        },
    })
}

/// As Argo CD and Flux send it.
const APPLY: [&str; 4] = ["apply", "--server-side", "--field-manager=gitops", "--force-conflicts"];

#[test]
fn gitops_sees_no_drift() {
    let Some(stage) = Stage::open("gitops", ON_CLAIM) else { return };
    for (object, name, filled_in, list_of_the_manager) in [
        (resource(), "flinkdeployment/word-count", "high-availability.storageDir", "\"f:volumes\":{}"),
        (
            deployment(),
            "deployment/orders-jobmanager",
            "high-availability.storageDir=file:///flink-data/ha",
            "\"f:args\":{}",
        ),
    ] {
        stage.send(&APPLY, &object).succeeded();
        let created = stage.stored(name);
        assert!(created["spec"].to_string().contains(filled_in), "{created}");

        // What a sync sends again is not written again.
        stage.send(&APPLY, &object).succeeded();
        assert_eq!(versions(&stage.stored(name)), versions(&created), "{name}");

        // What a dry run foresees is what is there: so Flux and Argo CD's server-side diff compare.
        let foreseen = stage.send(&[&APPLY[..], &["--dry-run=server", "-o", "json"]].concat(), &object).succeeded();
        let foreseen: Value = serde_json::from_str(&foreseen).unwrap();
        assert_eq!(foreseen["spec"], created["spec"], "{name}");
        assert_eq!(foreseen["metadata"]["annotations"], created["metadata"]["annotations"], "{name}");

        let managed = stage.kubectl(&["get", name, "-o", "json", "--show-managed-fields"]).succeeded();
        let managed: Value = serde_json::from_str(&managed).unwrap();
        // What was filled in belongs to nobody, so no manager takes it away and none conflicts; a list that is one field stays
        // whose it was.
        let owned = managed["metadata"]["managedFields"].to_string();
        for ours in ["flink-admission.io", "f:serviceAccount", "high-availability", "POD_IP", "flink-data"] {
            assert!(!owned.contains(ours), "{name}: {ours} in {owned}");
        }
        assert!(owned.contains(list_of_the_manager), "{name}: {owned}");
    }
}
