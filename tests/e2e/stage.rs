//! What a test on the API server stands on: a namespace with our webhook, and clusters to put there.

use serde_json::{Value, json};

use crate::support::{ControlPlane, Outcome, Registration};

/// HA, ServiceAccount and directories for clusters that have none, all on object storage.
pub const PLATFORM: &str = r#"
metadata: {name: platform}
spec:
  highAvailability: {mode: kubernetes, storageDir: "s3://flink/ha/{namespace}"}
  checkpoints:
    directory: "s3://flink/checkpoints/{namespace}/{cluster}"
    savepoints: "s3://flink/savepoints/{namespace}/{cluster}"
  serviceAccount: {name: flink}
"#;

/// Nothing of the platform's: what no `--policy` gives.
pub const BUILT_IN: &str = "metadata: {name: platform}\nspec: {}\n";

/// A namespace of the shared control plane where our process has a say.
pub struct Stage {
    pub plane: &'static ControlPlane,
    pub namespace: String,
    pub registration: Registration,
}

impl Stage {
    /// A namespace whose name begins with `name`, with `policy` in force; `None` without a control plane.
    #[track_caller]
    pub fn open(name: &str, policy: &str) -> Option<Self> {
        let (plane, namespace) = empty(name)?;
        give_account(plane, &namespace);
        let registration = Registration::start(plane, policy, &[&namespace]);
        Some(Self { plane, namespace, registration })
    }

    /// kubectl in the namespace.
    pub fn kubectl(&self, args: &[&str]) -> Outcome {
        self.plane.kubectl(&[&["-n", &self.namespace], args].concat())
    }

    /// kubectl in the namespace with `object` on its standard input (`-f -`).
    pub fn send(&self, args: &[&str], object: &Value) -> Outcome {
        let args = [&["-n", &self.namespace], args, &["-f", "-"]].concat();
        self.plane.admin().kubectl_with(&args, &object.to_string())
    }

    /// `kubectl apply`, client-side.
    pub fn apply(&self, object: &Value) -> Outcome {
        self.send(&["apply"], object)
    }

    /// The object as it is stored.
    #[track_caller]
    pub fn stored(&self, object: &str) -> Value {
        stored(self.plane, &self.namespace, object)
    }
}

/// A namespace of its own on the shared control plane, without our webhook.
#[track_caller]
pub fn empty(name: &str) -> Option<(&'static ControlPlane, String)> {
    let plane = ControlPlane::shared()?;
    Some((plane, plane.create_namespace(name)))
}

/// The ServiceAccount `flink`, which the operator's chart makes in the namespaces that it watches.
#[track_caller]
pub fn give_account(plane: &ControlPlane, namespace: &str) {
    plane.kubectl(&["create", "serviceaccount", "flink", "-n", namespace]).succeeded();
}

/// The object as it is stored (`flinkdeployment/word-count`).
#[track_caller]
pub fn stored(plane: &ControlPlane, namespace: &str, object: &str) -> Value {
    let text = plane.kubectl(&["get", object, "-n", namespace, "-o", "json"]).succeeded();
    serde_json::from_str(&text).unwrap()
}

/// A FlinkDeployment `word-count` with an application.
pub fn cluster(version: &str, configuration: &Value) -> Value {
    json!({
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": "word-count"},
        "spec": {
            "image": "registry.example.net/shop/word-count:1.4.2",
            "flinkVersion": version,
            "flinkConfiguration": configuration,
            "jobManager": {"replicas": 1, "resource": {"cpu": 1, "memory": "2048m"}},
            "taskManager": {"resource": {"cpu": 1, "memory": "2048m"}},
            "job": {
                "jarURI": "local:///opt/flink/usrlib/job.jar", "entryClass": "net.example.WordCount",
                "parallelism": 2, "upgradeMode": "last-state", "state": "running",
            },
        },
    })
}

/// [`cluster`] with a ServiceAccount, a volume `state` of `source` and its mount at `/state` in both roles.
pub fn cluster_on_volume(version: &str, configuration: &Value, source: &Value) -> Value {
    let mut object = cluster(version, configuration);
    let mut volume = json!({"name": "state"});
    volume.as_object_mut().unwrap().extend(source.as_object().unwrap().clone());
    object["spec"]["serviceAccount"] = json!("flink");
    object["spec"]["podTemplate"] = json!({"spec": {
        "securityContext": {"fsGroup": 9999},
        "containers": [{"name": "flink-main-container", "volumeMounts": [{"name": "state", "mountPath": "/state"}]}],
        "volumes": [volume],
    }});
    object
}

/// Options of `object` by name.
pub fn option<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object["spec"]["flinkConfiguration"].get(name)?.as_str()
}

/// `metadata.generation`, which the API server raises when it stores another spec, and `metadata.resourceVersion`, which it
/// raises when it stores anything.
pub fn versions(object: &Value) -> (u64, String) {
    let metadata = &object["metadata"];
    (metadata["generation"].as_u64().unwrap(), metadata["resourceVersion"].as_str().unwrap().to_owned())
}
