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
    insta::assert_snapshot!(said, @r#"
    Warning: spec.flinkConfiguration["execution.checkpointing.savepoint-dir"]: `/savepoints` has no scheme, so Flink refuses it when the job starts (`The scheme (hdfs://, file://, etc) is null`); write `file:///savepoints` [storage-path-without-scheme]
    Error from server (Forbidden): error when creating "STDIN": admission webhook "clusters.flink-admission.io" denied the request: 3 problems that would lose state or keep the cluster from starting:
    spec.flinkConfiguration["execution.checkpointing.dir"]: `file:///checkpoints` is on the container's own file system, where no volume is mounted, in the JobManager's pod, so the checkpoints are gone with the pod and a job that fails over loses its state; mount a PersistentVolumeClaim at `/checkpoints` or above it in the JobManager and the TaskManagers, or use an object store such as `s3://<bucket>/…` [storage-on-container]
    spec.flinkConfiguration["execution.checkpointing.savepoint-dir"]: `/savepoints` is on the container's own file system, where no volume is mounted, in the JobManager's pod, so a savepoint is gone with the pod that wrote it; mount a PersistentVolumeClaim at `/savepoints` or above it in the JobManager and the TaskManagers, or use an object store such as `s3://<bucket>/…` [storage-on-container]
    spec.flinkConfiguration["high-availability.storageDir"]: `file:///state/ha` is on the `emptyDir` volume `state` in the JobManager's pod, so the HA metadata is gone with the pod and the next JobManager cannot start the jobs again; mount a PersistentVolumeClaim at `/state/ha` or above it in the JobManager, or use an object store such as `s3://<bucket>/…` [storage-on-empty-dir]
    "#);
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
    let object = cluster_on_volume("v1_20", &configuration, &json!({"hostPath": {"path": "/data"}}));
    let outcome = stage.apply(&object);
    insta::assert_snapshot!(outcome.stderr, @r#"Warning: spec.flinkConfiguration["high-availability.storageDir"]: `file:///state/ha` is on the `hostPath` volume `state` (`/data` …; mount a PersistentVolumeClaim at `/state/ha` or above it in the JobManager, or use an object store such as … [storage-on-host-path]"#);
    assert_eq!(outcome.succeeded(), "flinkdeployment.flink.apache.org/word-count created\n");
}

#[test]
fn accepts_without_a_word_what_is_in_order() {
    let Some(stage) = Stage::open("in-order", PLATFORM) else { return };
    let outcome = stage.apply(&cluster("v1_20", &json!({"taskmanager.numberOfTaskSlots": "2"})));
    assert_eq!(outcome.stderr, "");
    outcome.succeeded();
}
