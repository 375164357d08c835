//! What happens later to what was filled in.

use serde_json::{Value, json};

use super::stage::{PLATFORM, Stage, cluster, empty, option, stored, versions};
use crate::support::Registration;

const OBJECT: &str = "flinkdeployment/word-count";

/// HA on a claim that every cluster gets.
const ON_CLAIM: &str = r#"
metadata: {name: on-claim}
spec:
  highAvailability: {mode: kubernetes, storageDir: "file:///flink-data/ha/{namespace}"}
  checkpoints: {directory: "file:///flink-data/checkpoints/{cluster}"}
  serviceAccount: {name: flink}
  volumes: [{name: flink-data, claimName: "flink-data-{namespace}", mountPath: /flink-data}]
"#;

fn plain(version: &str) -> Value {
    cluster(version, &json!({"taskmanager.numberOfTaskSlots": "2"}))
}

/// A cluster whose pod template has lists of its own, which a client-side apply replaces whole.
fn with_template(slots: &str) -> Value {
    let mut object = cluster("v1_20", &json!({"taskmanager.numberOfTaskSlots": slots}));
    object["spec"]["podTemplate"] = json!({"spec": {
        "containers": [{
            "name": "flink-main-container",
            "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
        }],
        "volumes": [{"name": "scratch", "emptyDir": {}}],
    }});
    object
}

fn claims(object: &Value) -> Vec<&str> {
    let volumes = object["spec"]["podTemplate"]["spec"]["volumes"].as_array().map(Vec::as_slice).unwrap_or_default();
    volumes.iter().filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str()).collect()
}

#[test]
fn keeps_what_apply_drops() {
    let Some(stage) = Stage::open("apply-drops", ON_CLAIM) else { return };
    let claim = format!("flink-data-{}", stage.namespace);
    stage.apply(&with_template("2")).succeeded();
    let created = stage.stored(OBJECT);
    assert_eq!(claims(&created), [&claim]);

    // kubectl sends its own lists, without the claim: they differ from what is stored.
    stage.apply(&with_template("2")).succeeded();
    let applied = stage.stored(OBJECT);
    assert_eq!(applied["spec"], created["spec"]);
    assert_eq!(applied["metadata"]["generation"], 1);

    // What the user changes is stored, and nothing else.
    stage.apply(&with_template("4")).succeeded();
    let changed = stage.stored(OBJECT);
    assert_eq!(claims(&changed), [&claim]);
    assert_eq!(changed["metadata"]["generation"], 2);
    let mut expected = created["spec"].clone();
    expected["flinkConfiguration"]["taskmanager.numberOfTaskSlots"] = json!("4");
    assert_eq!(changed["spec"], expected);
}

/// Only the list of containers is the user's, so only the mount is dropped: the volume stays.
#[test]
fn keeps_a_mount_that_apply_drops() {
    let Some(stage) = Stage::open("mount-drops", ON_CLAIM) else { return };
    let mut object = plain("v1_20");
    let environment = json!([{"name": "TZ", "value": "UTC"}]);
    object["spec"]["podTemplate"] =
        json!({"spec": {"containers": [{"name": "flink-main-container", "env": environment}]}});
    stage.apply(&object).succeeded();
    let created = stage.stored(OBJECT);
    let mounts = &created["spec"]["podTemplate"]["spec"]["containers"][0]["volumeMounts"];
    assert_eq!(*mounts, json!([{"name": "flink-data", "mountPath": "/flink-data"}]));

    stage.apply(&object).succeeded();
    let applied = stage.stored(OBJECT);
    assert_eq!(applied["spec"], created["spec"]);
    assert_eq!(applied["metadata"]["generation"], 1);
}

#[test]
fn keeps_what_replace_drops() {
    let Some(stage) = Stage::open("replace-drops", ON_CLAIM) else { return };
    stage.send(&["create"], &with_template("2")).succeeded();
    let created = stage.stored(OBJECT);
    assert_eq!(option(&created, "high-availability.type"), Some("kubernetes"));

    stage.send(&["replace"], &with_template("2")).succeeded();
    let replaced = stage.stored(OBJECT);
    assert_eq!(replaced["spec"], created["spec"]);
    assert_eq!(replaced["metadata"]["annotations"], created["metadata"]["annotations"]);
    assert_eq!(replaced["metadata"]["generation"], 1);
}

#[test]
fn keeps_what_a_patch_takes_away() {
    let Some(stage) = Stage::open("patch-takes", PLATFORM) else { return };
    stage.send(&["create"], &plain("v1_20")).succeeded();
    let created = stage.stored(OBJECT);
    let patch = r#"[{"op": "remove", "path": "/spec/flinkConfiguration/high-availability.storageDir"}]"#;
    stage.kubectl(&["patch", "flinkdeployment", "word-count", "--type=json", "-p", patch]).succeeded();
    assert_eq!(versions(&stage.stored(OBJECT)), versions(&created));
    let patch = r#"{"metadata": {"annotations": {"flink-admission.io/injected": null}}}"#;
    stage.kubectl(&["patch", "flinkdeployment", "word-count", "--type=merge", "-p", patch]).succeeded();
    assert_eq!(versions(&stage.stored(OBJECT)), versions(&created));
}

#[test]
fn keeps_a_value_that_the_user_sets_instead() {
    let Some(stage) = Stage::open("own-value", PLATFORM) else { return };
    stage.send(&["create"], &plain("v1_20")).succeeded();
    let patch = r#"{"spec": {"flinkConfiguration": {"high-availability.storageDir": "s3://mine/ha"}}}"#;
    stage.kubectl(&["patch", "flinkdeployment", "word-count", "--type=merge", "-p", patch]).succeeded();
    assert_eq!(option(&stage.stored(OBJECT), "high-availability.storageDir"), Some("s3://mine/ha"));
    // From now on it is the user's: taking it away is not undone.
    let patch = r#"{"spec": {"flinkConfiguration": {"high-availability.storageDir": "s3://mine/other"}}}"#;
    stage.kubectl(&["patch", "flinkdeployment", "word-count", "--type=merge", "-p", patch]).succeeded();
    assert_eq!(option(&stage.stored(OBJECT), "high-availability.storageDir"), Some("s3://mine/other"));
}

#[test]
fn keeps_status_finalizers_and_metadata_from_changing_the_spec() {
    let Some((plane, namespace)) = empty("before-us") else { return };
    let kubectl = |args: &[&str]| plane.kubectl(&[&["-n", &namespace], args].concat()).succeeded();
    plane.admin().kubectl_with(&["create", "-n", &namespace, "-f", "-"], &plain("v1_20").to_string()).succeeded();
    let before = stored(plane, &namespace, OBJECT);

    let _registration = Registration::start(plane, PLATFORM, &[&namespace]);
    let merge = |patch: &str, more: &[&str]| {
        kubectl(&[&["patch", "flinkdeployment", "word-count", "--type=merge", "-p", patch], more].concat());
    };
    merge(r#"{"status": {"lifecycleState": "STABLE"}}"#, &["--subresource=status"]);
    merge(r#"{"metadata": {"finalizers": ["flinkdeployments.flink.apache.org/finalizer"]}}"#, &[]);
    kubectl(&["label", "flinkdeployment", "word-count", "team=shop"]);
    kubectl(&["annotate", "flinkdeployment", "word-count", "note=mine"]);

    let after = stored(plane, &namespace, OBJECT);
    assert_eq!(after["spec"], before["spec"]);
    assert_eq!(after["metadata"]["generation"], 1);
    assert_eq!(after["metadata"]["annotations"], json!({"note": "mine"}));
    assert_eq!(after["status"]["lifecycleState"], "STABLE");
    merge(r#"{"metadata": {"finalizers": null}}"#, &[]);
}

#[test]
fn keeps_ha_valid_when_the_version_becomes_2_0() {
    let Some(stage) = Stage::open("to-2-0", PLATFORM) else { return };
    stage.apply(&plain("v1_16")).succeeded();
    let old = stage.stored(OBJECT);
    assert_eq!(option(&old, "high-availability"), Some("kubernetes"));
    assert_eq!(option(&old, "high-availability.type"), None);
    assert!(option(&old, "state.checkpoints.dir").is_some());

    stage.apply(&plain("v2_0")).succeeded();
    let new = stage.stored(OBJECT);
    let checkpoints = format!("s3://flink/checkpoints/{}/word-count", stage.namespace);
    let savepoints = format!("s3://flink/savepoints/{}/word-count", stage.namespace);
    assert_eq!(
        new["spec"]["flinkConfiguration"],
        json!({
            "taskmanager.numberOfTaskSlots": "2",
            "high-availability.type": "kubernetes",
            "high-availability.storageDir": format!("s3://flink/ha/{}", stage.namespace),
            "execution.checkpointing.dir": checkpoints,
            "execution.checkpointing.savepoint-dir": savepoints,
        })
    );
    // Once is enough.
    stage.apply(&plain("v2_0")).succeeded();
    assert_eq!(versions(&stage.stored(OBJECT)), versions(&new));
}

#[test]
fn keeps_the_checkpoint_directories_when_the_version_becomes_1_20() {
    let Some(stage) = Stage::open("to-1-20", PLATFORM) else { return };
    stage.apply(&plain("v1_18")).succeeded();
    let old = stage.stored(OBJECT);
    let directory = option(&old, "state.checkpoints.dir").expect("the key of 1.18");

    stage.apply(&plain("v1_20")).succeeded();
    let new = stage.stored(OBJECT);
    assert_eq!(option(&new, "execution.checkpointing.dir"), Some(directory));
    assert_eq!(option(&new, "state.checkpoints.dir"), None);
    assert_eq!(option(&new, "high-availability.type"), Some("kubernetes"));
}

#[test]
fn keeps_nothing_of_the_original_in_a_copy() {
    let Some((plane, from)) = empty("copy-from") else { return };
    let to = plane.create_namespace("copy-to");
    let _registration = Registration::start(plane, ON_CLAIM, &[&from, &to]);
    let create = |namespace: &str, text: &str| {
        plane.admin().kubectl_with(&["create", "-n", namespace, "-f", "-"], text).succeeded();
    };
    create(&from, &plain("v1_20").to_string());
    let yaml = plane.kubectl(&["get", OBJECT, "-n", &from, "-o", "yaml"]).succeeded();
    // What a person does: another namespace, and not the fields that the server gave.
    let yaml = yaml.replace(&format!("  namespace: {from}\n"), &format!("  namespace: {to}\n"));
    let yaml: Vec<&str> =
        yaml.lines().filter(|line| !line.starts_with("  uid:") && !line.starts_with("  resourceVersion:")).collect();
    create(&to, &(yaml.join("\n") + "\n"));

    let (original, copy) = (stored(plane, &from, OBJECT), stored(plane, &to, OBJECT));
    assert_eq!(option(&original, "high-availability.storageDir"), Some(&*format!("file:///flink-data/ha/{from}")));
    assert_eq!(option(&copy, "high-availability.storageDir"), Some(&*format!("file:///flink-data/ha/{to}")));
    assert_eq!(claims(&copy), [format!("flink-data-{to}")]);
    assert_eq!(copy.to_string().matches(&from).count(), 0, "{copy}");
}

#[test]
fn keeps_nothing_when_an_object_opts_out_later() {
    let Some(stage) = Stage::open("withdraw", &format!("{PLATFORM}  optOut: true\n")) else { return };
    stage.send(&["create"], &plain("v1_20")).succeeded();
    assert!(option(&stage.stored(OBJECT), "high-availability.type").is_some());
    stage.kubectl(&["annotate", "flinkdeployment", "word-count", "flink-admission.io/inject=false"]).succeeded();
    let stored = stage.stored(OBJECT);
    assert_eq!(stored["spec"], plain("v1_20")["spec"]);
    assert_eq!(stored["metadata"]["annotations"], json!({"flink-admission.io/inject": "false"}));
}
