//! What people and programs read when an object is refused or warned about.

use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use super::stage::{BUILT_IN, PLATFORM, Stage, cluster, cluster_on_volume};

/// Three directories, each lost in a way of its own.
fn thrice_lost() -> Value {
    let configuration = json!({
        "high-availability.type": "kubernetes",
        "high-availability.storageDir": "file:///state/ha",
        "execution.checkpointing.dir": "file:///checkpoints",
        "execution.checkpointing.savepoint-dir": "/savepoints",
    });
    cluster_on_volume("v1_20", &configuration, &json!({"emptyDir": {}}))
}

#[test]
fn rejects_with_all_reasons_at_once() {
    let Some(stage) = Stage::open("all-reasons", BUILT_IN) else { return };
    let said = stage.apply(&thrice_lost()).refused();
    let (before, problems) = said.split_once("denied the request: ").unwrap();
    assert!(before.contains(r#"admission webhook "clusters.flink-admission.io""#), "{said}");
    let problems: Vec<&str> = problems.lines().collect();
    assert!(problems[0].starts_with("3 problems"), "{said}");
    for (line, (path, rule)) in problems[1..].iter().zip([
        ("execution.checkpointing.dir", "storage-on-container"),
        ("execution.checkpointing.savepoint-dir", "storage-on-container"),
        ("high-availability.storageDir", "storage-on-empty-dir"),
    ]) {
        assert!(line.starts_with(&format!("spec.flinkConfiguration[\"{path}\"]: ")), "{line}");
        assert!(line.contains("PersistentVolumeClaim at") && line.ends_with(&format!("[{rule}]")), "{line}");
    }
    assert_eq!(problems.len(), 4, "{said}");
    assert!(stage.kubectl(&["get", "flinkdeployment", "word-count"]).refused().contains("NotFound"));
}

#[tokio::test]
async fn rejects_with_a_cause_for_each_field() {
    let Some(stage) = Stage::open("causes", BUILT_IN) else { return };
    let kubeconfig = Kubeconfig::read_from(stage.plane.kubeconfig()).unwrap();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let client = kube::Client::try_from(config).unwrap();
    let kind = GroupVersionKind::gvk("flink.apache.org", "v1beta1", "FlinkDeployment");
    let api = Api::<DynamicObject>::namespaced_with(client, &stage.namespace, &ApiResource::from_gvk(&kind));

    let object: DynamicObject = serde_json::from_value(thrice_lost()).unwrap();
    let refused = api.create(&PostParams::default(), &object).await.unwrap_err();
    let kube::Error::Api(status) = refused else { panic!("{refused}") };
    let causes = &status.details.as_ref().unwrap().causes;
    let said: Vec<String> = causes.iter().map(|cause| format!("{} {}", cause.field, cause.reason)).collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    spec.flinkConfiguration["execution.checkpointing.dir"] storage-on-container
    spec.flinkConfiguration["execution.checkpointing.savepoint-dir"] storage-on-container
    spec.flinkConfiguration["high-availability.storageDir"] storage-on-empty-dir
    "#);
    assert_eq!(status.code, 403, "{status:?}");
    assert!(causes.iter().all(|cause| status.message.contains(&cause.field)), "{status:?}");
}

#[test]
fn accepts_with_a_warning() {
    let Some(stage) = Stage::open("warning", BUILT_IN) else { return };
    let configuration =
        json!({"high-availability.type": "kubernetes", "high-availability.storageDir": "file:///state/ha"});
    let mut object = cluster_on_volume("v1_20", &configuration, &json!({"hostPath": {"path": "/data"}}));
    object["spec"]["job"]["upgradeMode"] = json!("stateless");
    let outcome = stage.apply(&object);
    let said = &outcome.stderr;
    assert!(said.starts_with("Warning: spec.flinkConfiguration[\"high-availability.storageDir\"]: "), "{said}");
    assert!(said.contains("; mount a PersistentVolumeClaim") && said.ends_with("[storage-on-host-path]\n"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(outcome.succeeded(), "flinkdeployment.flink.apache.org/word-count created\n");
}

#[test]
fn accepts_without_a_word_what_is_in_order() {
    let Some(stage) = Stage::open("in-order", PLATFORM) else { return };
    let outcome = stage.apply(&cluster("v1_20", &json!({"taskmanager.numberOfTaskSlots": "2"})));
    assert_eq!(outcome.stderr, "");
    outcome.succeeded();
}
