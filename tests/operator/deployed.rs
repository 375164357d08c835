//! What was filled in reaches the processes' configuration and Pods, and what the operator writes reaches the store as it
//! was sent.

use std::collections::BTreeMap;

use flink_admission::yaml;
use serde_json::{Value, json};

use super::audit::Act;
use super::fleet::{Fleet, name};
use super::world::Stage;

#[test]
fn every_cluster_has_the_configuration_that_was_filled_in() {
    let Some(fleet) = Fleet::shared() else { return };
    for cluster in fleet.completed() {
        let (stage, name) = (&fleet.stage, name(cluster));
        let stored = stage.stored(&format!("flinkdeployment/{name}"));
        let options = options(stage, name);
        let injected = stored["spec"]["flinkConfiguration"].as_object().unwrap();
        assert!(injected.len() > 4, "{name}: {injected:?}");
        for (key, value) in injected {
            assert_eq!(options.get(key).map(String::as_str), value.as_str(), "{name}: {key}");
        }
        let is =
            |key: &str, value: &str| assert_eq!(options.get(key).map(String::as_str), Some(value), "{name}: {key}");
        let (key, value) = match stored["spec"]["flinkVersion"].as_str().unwrap() {
            "v1_15" => {
                ("high-availability", "org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory")
            }
            "v1_16" => ("high-availability", "kubernetes"),
            _ => ("high-availability.type", "kubernetes"),
        };
        is(key, value);
        is("high-availability.storageDir", &format!("file:///flink-data/ha/{}", stage.namespace));
        is("state.checkpoints.dir", &format!("file:///flink-data/checkpoints/{name}"));
        is("kubernetes.service-account", "flink");
        // What we leave to the operator.
        is("high-availability.cluster-id", name);
        is("kubernetes.cluster-id", name);
        is("kubernetes.namespace", &stage.namespace);
    }
}

#[test]
fn every_pod_has_the_account_and_the_claim_that_were_filled_in() {
    let Some(fleet) = Fleet::shared() else { return };
    for cluster in fleet.completed() {
        let (stage, name) = (&fleet.stage, name(cluster));
        let pods = stage.pods(name);
        let is_standalone = cluster["spec"]["mode"] == "standalone";
        assert_eq!(pods.len(), if is_standalone { 2 } else { 1 }, "{name}: {pods:#?}");
        for pod in &pods {
            assert_eq!(pod["spec"]["serviceAccountName"], "flink", "{name}");
            assert_has_claim(&pod["spec"], name);
        }
        if !is_standalone {
            // From this its JobManager makes the TaskManagers' Pods.
            assert_has_claim(&template(stage, name)["spec"], name);
        }
    }
}

/// Where the user has lists of his own, the operator merges by position what we put there.
#[test]
fn nothing_of_the_users_templates_is_lost_when_they_are_merged() {
    let Some(fleet) = Fleet::shared() else { return };
    let stage = &fleet.stage;
    let mut task_managers = vec![template(stage, "native-1-19")];
    for name in ["native-1-19", "standalone-1-19"] {
        for pod in stage.pods(name) {
            let is_job_manager = pod["metadata"]["labels"]["component"] == "jobmanager";
            assert_eq!(mount(&pod["spec"], "/scratch"), Some("scratch"), "{name}");
            assert_eq!(*volume(&pod["spec"], "scratch"), json!({"name": "scratch", "emptyDir": {}}), "{name}");
            let containers = pod["spec"]["containers"].as_array().unwrap();
            let images: Vec<_> = containers.iter().filter_map(|container| container["image"].as_str()).collect();
            let shipper = "registry.example.net/shop/shipper:3.2.1";
            assert_eq!(images.contains(&shipper), is_job_manager, "{name}: {images:?}");
            if !is_job_manager {
                task_managers.push(pod);
            }
        }
    }
    assert_eq!(task_managers.len(), 2);
    for pod in task_managers {
        assert_eq!(mount(&pod["spec"], "/models"), Some("models"), "{pod:#}");
        assert_eq!(volume(&pod["spec"], "models")["configMap"]["name"], "models", "{pod:#}");
    }
}

#[test]
fn what_the_operator_writes_is_stored_as_it_was_sent() {
    let Some(fleet) = Fleet::shared() else { return };
    let stage = &fleet.stage;
    let acts = stage.acts();
    assert_untouched(&acts);
    let has = |title: String| assert!(acts.iter().any(|act| act.title() == title), "the operator did not {title}");
    for cluster in &fleet.clusters {
        let name = name(cluster);
        has(format!("create deployments/{name}"));
        has(format!("create services/{name}-rest"));
        has(format!("create configmaps/flink-config-{name}"));
        // Its finalizer.
        has(format!("update flinkdeployments/{name}"));
        has(format!("update flinkdeployments/{name}/status"));
        let stored = stage.stored(&format!("flinkdeployment/{name}"));
        assert_eq!(stored["metadata"]["finalizers"], json!(["flinkdeployments.flink.apache.org/finalizer"]), "{name}");
        assert_eq!(stored["status"].get("error"), None, "{name}");
    }
    for name in ["standalone-1-19", "standalone-session-1-17", "opted-out"] {
        has(format!("create deployments/{name}-taskmanager"));
        has(format!("create services/{name}"));
    }
    has("update flinksessionjobs/job".to_owned());
    // Nobody reads what the operator is warned of.
    assert_eq!(stage.registration.findings(), 0, "the operator was warned");
}

/// Nothing was refused or changed on its way, though our webhook was asked of all that it is registered for.
#[track_caller]
pub fn assert_untouched(acts: &[Act]) {
    for act in acts {
        let title = act.title();
        // The operator deletes what is gone already, and writes again what somebody else was quicker to write.
        assert!(matches!(act.code(), 200..300 | 404 | 409), "{title}: {}", act.code());
        assert!(act.patches().is_empty(), "{title}: {:?}", act.patches());
        assert!(!act.mutated().contains(&true), "{title}");
        assert_eq!(act.mutated().len(), usize::from(act.is_reviewed() && act.code() != 404), "{title}");
        let (sent, stored) = act.objects();
        // The API server takes the status by itself, and leaves the rest out of that.
        let parts: &[&str] = if title.ends_with("/status") { &["status"] } else { &["metadata", "spec", "data"] };
        for part in parts.iter().filter(|_| act.is_whole() && act.code() < 300) {
            let (sent, stored) = (&sent[part], &stored[part]);
            assert_eq!(missing(sent, stored), None, "{title}\nsent: {sent:#}\nstored: {stored:#}");
        }
    }
}

/// The path of something in `part` that is not in `whole`. The API server fills in numbers of its own, and addresses.
fn missing(part: &Value, whole: &Value) -> Option<String> {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part.iter().find_map(|(key, value)| match key.as_str() {
            "resourceVersion" | "managedFields" | "creationTimestamp" | "generation" => None,
            _ => {
                let below = |other| missing(value, other).map(|path| format!("/{key}{path}"));
                // An empty one is not sent back.
                whole.get(key).map_or_else(|| (!is_empty(value)).then(|| format!("/{key}")), below)
            }
        }),
        (Value::Array(part), Value::Array(whole)) if part.len() == whole.len() => {
            let mut pairs = part.iter().zip(whole).enumerate();
            pairs.find_map(|(index, (value, other))| missing(value, other).map(|path| format!("/{index}{path}")))
        }
        _ => (part != whole).then(String::new),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// What the processes of cluster `name` read from their ConfigMap.
pub fn options(stage: &Stage, name: &str) -> BTreeMap<String, String> {
    let map = stage.stored(&format!("configmap/flink-config-{name}"));
    let text = map["data"]["flink-conf.yaml"].as_str().expect("flink-conf.yaml");
    text.lines().filter_map(|line| line.split_once(": ")).map(|(key, value)| (key.into(), value.into())).collect()
}

/// The template of the TaskManagers' Pods in native mode.
fn template(stage: &Stage, name: &str) -> Value {
    let map = stage.stored(&format!("configmap/pod-template-{name}"));
    let text = map["data"]["taskmanager-pod-template.yaml"].as_str().expect("a template");
    yaml::documents(text).expect("YAML").remove(0).value
}

#[track_caller]
fn assert_has_claim(spec: &Value, name: &str) {
    let volume = volume(spec, mount(spec, "/flink-data").unwrap_or_else(|| panic!("{name}: no mount in {spec:#}")));
    assert_eq!(volume["persistentVolumeClaim"]["claimName"], "flink-data", "{name}");
    assert_eq!(volume.as_object().unwrap().len(), 2, "{name}: {volume}");
    assert_eq!(spec["securityContext"]["fsGroup"], 9999, "{name}");
}

/// Flink's container.
pub fn main_container(spec: &Value) -> &Value {
    let containers = spec["containers"].as_array().unwrap();
    containers.iter().find(|container| container["name"] == "flink-main-container").unwrap()
}

/// The name of the volume at `path` in Flink's container.
fn mount<'a>(spec: &'a Value, path: &str) -> Option<&'a str> {
    let mounts = main_container(spec)["volumeMounts"].as_array().unwrap();
    mounts.iter().find(|mount| mount["mountPath"] == path)?["name"].as_str()
}

#[track_caller]
fn volume<'a>(spec: &'a Value, name: &str) -> &'a Value {
    let volumes = spec["volumes"].as_array().unwrap();
    let found: Vec<&Value> = volumes.iter().filter(|volume| volume["name"] == name).collect();
    assert_eq!(found.len(), 1, "`{name}` in {volumes:#?}");
    found[0]
}
