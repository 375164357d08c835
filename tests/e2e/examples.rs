//! The examples of `deploy/examples`: their files, applied as they are, do what their pages say.

use serde_json::{Value, json};

use super::page::Example;
use super::stage::{give_account, option, stored};
use crate::support::{ControlPlane, Outcome, Registration};

mod application_job;
mod migrating;
mod session_cluster;

/// The control plane with the example's namespace and policy in force.
#[track_caller]
fn open(example: &Example, namespace: &str, policy: &str) -> Option<(&'static ControlPlane, Registration)> {
    let plane = ControlPlane::shared()?;
    plane.kubectl(&["create", "namespace", namespace]).succeeded();
    Some((plane, Registration::start_with_file(plane, &example.file(policy), &[namespace])))
}

fn create(plane: &ControlPlane, example: &Example, namespace: &str, file: &str) -> Outcome {
    let file = example.file(file).display().to_string();
    plane.kubectl(&["create", "--dry-run=server", "-n", namespace, "-f", &file])
}

#[test]
fn durable_storage() {
    let example = Example::of("durable-storage");
    let strict = "durable-storage-strict";
    let Some((plane, _baseline)) = open(&example, "durable-storage", "policy.yaml") else { return };
    let Some((_, _strict)) = open(&example, strict, "policy-strict.yaml") else { return };
    for namespace in ["durable-storage", strict] {
        give_account(plane, namespace);
        for (file, rule, problems) in [
            ("no-volume.yaml", "[storage-on-container]", 3),
            // One volume is one cause.
            ("empty-dir.yaml", "[storage-on-empty-dir]", 1),
            ("no-source.yaml", "[storage-on-source-less-volume]", 1),
        ] {
            let said = create(plane, &example, namespace, file).refused();
            let is_counted = said.contains(&format!("{problems} problem"));
            assert!(is_counted && said.matches(rule).count() == problems, "{file} in {namespace}: {said}");
        }
    }
    let claim = example.file("flink-data.yaml").display().to_string();
    plane.kubectl(&["create", "-n", strict, "-f", &claim]).succeeded();
    let outcome = create(plane, &example, strict, "claim.yaml");
    assert_eq!(outcome.stderr, "");
    outcome.succeeded();
    let outcome = create(plane, &example, "durable-storage", "host-path.yaml");
    assert_eq!(outcome.stderr.matches("Warning: ").count(), 1, "{}", outcome.stderr);
    outcome.succeeded();
    let said = create(plane, &example, strict, "host-path.yaml").refused();
    assert_eq!(said.matches("[storage-on-host-path]").count(), 1, "{said}");
    example.run(plane);
}

#[test]
fn ha_by_policy() {
    let example = Example::of("ha-by-policy");
    let Some((plane, _registration)) = open(&example, "ha-by-policy", "policy.yaml") else { return };
    give_account(plane, "ha-by-policy");
    example.run(plane);
    for kind in ["application", "session"] {
        for (version, mode, checkpoints, savepoints) in [
            ("v1-17", "high-availability.type", "state.checkpoints.dir", "state.savepoints.dir"),
            ("v1-20", "high-availability.type", "execution.checkpointing.dir", "execution.checkpointing.savepoint-dir"),
            ("v2-0", "high-availability.type", "execution.checkpointing.dir", "execution.checkpointing.savepoint-dir"),
        ] {
            let name = format!("{kind}-{version}");
            let object = stored(plane, "ha-by-policy", &format!("flinkdeployment/{name}"));
            let expected = json!({
                "taskmanager.numberOfTaskSlots": "2",
                mode: "kubernetes",
                "high-availability.storageDir": "s3://flink-state/ha/ha-by-policy",
                checkpoints: format!("s3://flink-state/checkpoints/ha-by-policy/{name}"),
                savepoints: format!("s3://flink-state/savepoints/ha-by-policy/{name}"),
            });
            assert_eq!(object["spec"]["flinkConfiguration"], expected, "{name}");
            assert_eq!(object["spec"]["serviceAccount"], "flink", "{name}");
        }
    }
}

#[test]
fn zookeeper_and_claims() {
    let example = Example::of("zookeeper-and-claims");
    let Some((plane, _registration)) = open(&example, "zookeeper-and-claims", "policy.yaml") else { return };
    give_account(plane, "zookeeper-and-claims");
    example.run(plane);
    let object = stored(plane, "zookeeper-and-claims", "flinkdeployment/word-count");
    for (name, value) in [
        ("high-availability", "zookeeper"),
        ("high-availability.zookeeper.quorum", "zk-0.zookeeper:2181,zk-1.zookeeper:2181,zk-2.zookeeper:2181"),
        ("high-availability.zookeeper.path.root", "/flink/zookeeper-and-claims"),
        ("high-availability.storageDir", "file:///flink/ha"),
        ("state.checkpoints.dir", "file:///flink/checkpoints/word-count"),
        ("state.savepoints.dir", "file:///flink/checkpoints/word-count/savepoints"),
    ] {
        assert_eq!(option(&object, name), Some(value), "{name}");
    }
    // The common template: what stands there, both roles have.
    let pod = &object["spec"]["podTemplate"]["spec"];
    assert!(object["spec"]["jobManager"].get("podTemplate").is_none(), "{object}");
    assert!(object["spec"]["taskManager"].get("podTemplate").is_none(), "{object}");
    let mounts: Vec<(&Value, &Value)> = pod["containers"][0]["volumeMounts"]
        .as_array()
        .unwrap()
        .iter()
        .zip(pod["volumes"].as_array().unwrap())
        .map(|(mount, volume)| (&mount["mountPath"], &volume["persistentVolumeClaim"]["claimName"]))
        .collect();
    assert_eq!(
        mounts.iter().map(|(path, claim)| (path.as_str().unwrap(), claim.as_str().unwrap())).collect::<Vec<_>>(),
        [
            ("/opt/flink/usrlib", "flink-jar"),
            ("/flink/checkpoints", "flink-checkpoint"),
            ("/opt/flink/log", "flink-log"),
            ("/flink/ha", "flink-ha"),
        ]
    );
    assert_eq!(object["spec"]["jobManager"]["replicas"], 2);
    assert_eq!(object["metadata"]["generation"], 1);
}
