//! The chart's own webhook rules on a real API server, turned to `Fail` and to an address where nothing listens: what is not
//! Flink is created all the same, what is Flink is refused there, which shows that it would have reached us.
#![cfg(feature = "webhook")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends by panicking")]

#[path = "cluster/connected.rs"]
mod connected;
#[path = "match_conditions/programs.rs"]
mod programs;
#[path = "match_conditions/recorded.rs"]
mod recorded;
#[path = "chart/rendered.rs"]
mod rendered;
mod support;

use std::path::{Path, PathBuf};

use flink_admission::workload::{is_being_deleted, recognise};
use flink_admission::yaml::each_document;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use programs::{flink, not_flink, workloads};
use support::ControlPlane;

/// A namespace in which the chart's rules hold while nobody answers them.
struct Unanswered {
    client: Client,
    namespace: String,
}

/// A request that shows that rules are in force.
enum Taken {
    Creation(Value),
    Update(Value),
}

impl Unanswered {
    /// Registers the rules for a namespace of its own.
    async fn in_namespace(plane: &ControlPlane, prefix: &str) -> Self {
        Self::in_this(plane, plane.create_namespace(prefix)).await
    }

    /// Registers the rules for `namespace`.
    async fn in_this(plane: &ControlPlane, namespace: String) -> Self {
        let (_, containers) = flink().into_iter().next().unwrap();
        let [probe, ..] = workloads("probe", &containers);
        Self::with_rules(plane, namespace, &chart(plane), Taken::Creation(probe)).await
    }

    /// Registers the rules of `objects`, which take this request.
    async fn with_rules(plane: &ControlPlane, namespace: String, objects: &[Value], taken: Taken) -> Self {
        plane.apply(&unanswered_rules(objects, &namespace)).succeeded();
        let this = Self { client: connected::to(plane.kubeconfig()).await, namespace };
        this.wait_until_in_force(taken).await;
        this
    }

    /// The API server learns of webhooks by a watch of its own, a moment after they are stored.
    async fn wait_until_in_force(&self, taken: Taken) {
        for _ in 0..600 {
            let asked = match &taken {
                Taken::Creation(object) => self.create(object, true).await,
                Taken::Update(object) => self.touch(object).await,
            };
            if matches!(asked, Err(error) if is_ours(&error)) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the webhook rules are not in force after 30 s");
    }

    async fn create(&self, object: &Value, dry_run: bool) -> Result<DynamicObject, kube::Error> {
        let object: DynamicObject = serde_json::from_value(object.clone()).unwrap();
        self.api(&object).create(&PostParams { dry_run, ..PostParams::default() }, &object).await
    }

    /// Changes a label, which is an UPDATE with all of the object as old and as new.
    async fn touch(&self, object: &Value) -> Result<DynamicObject, kube::Error> {
        let object: DynamicObject = serde_json::from_value(object.clone()).unwrap();
        let patch = json!({"metadata": {"labels": {"touched": "true"}}});
        let name = object.metadata.name.clone().unwrap();
        self.api(&object).patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await
    }

    fn api(&self, object: &DynamicObject) -> Api<DynamicObject> {
        let types = object.types.as_ref().unwrap();
        let (group, version) = types.api_version.split_once('/').unwrap_or(("", &types.api_version));
        let resource = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: types.api_version.clone(),
            kind: types.kind.clone(),
            plural: format!("{}s", types.kind.to_lowercase()),
        };
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
    }

    /// Creates and updates each of `objects`, and tells what was refused.
    async fn refused(&self, objects: &[Value]) -> Vec<String> {
        let mut refused = Vec::new();
        for object in objects {
            let name = format!("{}/{}", object["kind"], object["metadata"]["name"]);
            if let Err(error) = self.create(object, false).await {
                refused.push(format!("create {name}: {error}"));
            } else if let Err(error) = self.touch(object).await {
                refused.push(format!("update {name}: {error}"));
            }
        }
        refused
    }
}

/// Both configurations of the chart, without the entry for the program's own request.
fn chart(plane: &ControlPlane) -> Vec<Value> {
    chart_with(plane, &[])
}

fn chart_with(plane: &ControlPlane, values: &[&str]) -> Vec<Value> {
    let values = [values, &["webhooks.managedBy=chart"]].concat();
    let mut objects = rendered::render(plane.admin(), "flink-admission", "flink-system", &values);
    objects.retain(|object| object["webhooks"].is_array());
    assert_eq!(objects.len(), 2);
    for object in &mut objects {
        let webhooks = object["webhooks"].as_array_mut().unwrap();
        webhooks.retain(|webhook| webhook["name"] != "probe.flink-admission.io");
        assert_eq!(webhooks.len(), 3, "the chart has entries that this test does not know");
    }
    objects
}

/// Both configurations among `objects`, for one namespace, with `Fail` and a port that nobody can listen on.
fn unanswered_rules(objects: &[Value], namespace: &str) -> String {
    let mut rules = String::new();
    for kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
        let Some(configuration) = rendered::of_kind(objects, kind).pop() else { continue };
        let mut configuration = configuration.clone();
        configuration["metadata"]["name"] = json!(namespace);
        for webhook in configuration["webhooks"].as_array_mut().unwrap() {
            assert_eq!(webhook["failurePolicy"], "Ignore", "the chart must not refuse what it cannot judge");
            webhook["failurePolicy"] = json!("Fail");
            webhook["clientConfig"] = json!({"url": "https://127.0.0.1:1/"});
            webhook["namespaceSelector"]["matchExpressions"]
                .as_array_mut()
                .unwrap()
                .push(json!({"key": "kubernetes.io/metadata.name", "operator": "In", "values": [namespace]}));
        }
        rules.extend(["---\n", &configuration.to_string(), "\n"]);
    }
    rules
}

/// Whether the object reached the webhook that does not answer.
fn is_ours(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.message.contains("failed calling webhook")
        && status.message.contains("flink-admission.io"))
}

#[tokio::test]
async fn programs_that_are_not_flink_deploy_while_the_webhook_is_down() {
    let Some(plane) = ControlPlane::shared() else { return };
    let unanswered = Unanswered::in_namespace(plane, "not-flink").await;
    let programs = not_flink();
    assert!(programs.len() >= 20);
    let objects: Vec<Value> = programs.iter().flat_map(|(name, containers)| workloads(name, containers)).collect();
    assert!(objects.iter().all(|object| recognise(object).is_none()));
    assert_eq!(unanswered.refused(&objects).await, Vec::<String>::new());
}

#[tokio::test]
async fn large_objects_cost_less_than_the_limit() {
    let Some(plane) = ControlPlane::shared() else { return };
    let unanswered = Unanswered::in_namespace(plane, "large").await;
    let container = |name: usize, args: &[String]| json!({"name": format!("c{name}"), "image": "x", "args": args});
    let hundred: Vec<Value> = (0..100)
        .map(|number| container(number, &vec!["--an-option-of-usual-length=with-a-value".to_owned(); 100]))
        .collect();
    for (name, containers) in [
        ("one-long", json!([container(0, &["x".repeat(900 << 10)])])),
        ("mebibyte", json!([container(0, &["x".repeat(512 << 10), "y".repeat(512 << 10)])])),
        ("many", json!([container(0, &vec!["x".repeat(100); 10 << 10])])),
        ("hundred", json!(hundred)),
        // Near the most that etcd takes in one request, 1.5 MiB.
        ("largest", json!([container(0, &["x".repeat(1_400_000)])])),
    ] {
        // Not more than one of them: the API server needs seconds to store the largest.
        let [deployment, stateful_set, job] = workloads(name, &containers);
        let objects = if name == "hundred" { vec![deployment, stateful_set, job] } else { vec![deployment, job] };
        assert_eq!(unanswered.refused(&objects).await, Vec::<String>::new(), "{name}");
    }
}

#[tokio::test]
async fn an_object_of_surprising_shape_gets_the_api_servers_own_answer() {
    let Some(plane) = ControlPlane::shared() else { return };
    let unanswered = Unanswered::in_namespace(plane, "shapes").await;
    let [mut without_spec, mut without_template, mut without_containers] = workloads("odd", &json!([]));
    without_spec.as_object_mut().unwrap().remove("spec");
    without_template["spec"].as_object_mut().unwrap().remove("template");
    without_containers["spec"]["template"]["spec"].as_object_mut().unwrap().remove("containers");
    for object in [without_spec, without_template, without_containers] {
        let error = unanswered.create(&object, true).await.unwrap_err();
        assert!(matches!(&error, kube::Error::Api(status) if status.reason == "Invalid"), "{error}");
    }
}

#[tokio::test]
async fn flink_reaches_the_webhook() {
    let Some(plane) = ControlPlane::shared() else { return };
    let unanswered = Unanswered::in_namespace(plane, "flink").await;
    let mut objects: Vec<Value> = flink().iter().flat_map(|(name, containers)| workloads(name, containers)).collect();
    for kind in ["FlinkDeployment", "FlinkSessionJob", "FlinkBlueGreenDeployment"] {
        objects.push(json!({"apiVersion": "flink.apache.org/v1beta1", "kind": kind, "metadata": {"name": "x"},
            "spec": {"flinkVersion": "v1_20", "image": "flink:1.20", "serviceAccount": "flink",
                "deploymentName": "x", "job": {"jarURI": "local:///x.jar"}}}));
    }
    for object in &objects {
        assert!(recognise(object).is_some(), "{object}");
        let error = unanswered.create(object, true).await.unwrap_err();
        assert!(is_ours(&error), "{object}: {error}");
    }
}

#[tokio::test]
async fn what_stops_being_flink_is_still_seen() {
    let Some(plane) = ControlPlane::shared() else { return };
    let namespace = plane.create_namespace("turning");
    let [deployment, ..] = workloads("turning", &json!([{"name": "main", "image": "flink", "args": ["taskmanager"]}]));
    // Created before the rules hold.
    plane.admin().kubectl_with(&["create", "-n", &namespace, "-f", "-"], &deployment.to_string()).succeeded();
    let unanswered = Unanswered::in_this(plane, namespace).await;
    let object: DynamicObject = serde_json::from_value(deployment).unwrap();
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "nginx"}]}}}});
    let changed = unanswered.api(&object).patch("turning", &PatchParams::default(), &Patch::Merge(patch)).await;
    let error = changed.unwrap_err();
    assert!(is_ours(&error), "{error}");
}

#[tokio::test]
async fn everything_that_is_recognised_in_real_manifests_reaches_the_webhook() {
    let Some(plane) = ControlPlane::shared() else { return };
    let shared = shared_directory();
    if !shared.join("corpus").is_dir() {
        eprintln!("SKIPPED, no real manifest was tested: there is no `{}`", shared.join("corpus").display());
        return;
    }
    let unanswered = Unanswered::in_namespace(plane, "corpus").await;
    let mut objects = Vec::new();
    for directory in ["corpus", "cases/recognition"] {
        collect(&shared.join(directory), &mut objects);
    }
    let mut reached = 0;
    for (origin, mut object) in objects {
        if recognise(&object).is_none() || is_being_deleted(&object) {
            continue;
        }
        let metadata = object["metadata"].as_object_mut().unwrap();
        // What only a stored object has is refused on CREATE before any webhook is called.
        for field in
            ["resourceVersion", "uid", "creationTimestamp", "generation", "managedFields", "selfLink", "namespace"]
        {
            metadata.remove(field);
        }
        match unanswered.create(&object, true).await {
            Err(error) if is_ours(&error) => reached += 1,
            outcome => panic!("{origin}: did not reach the webhook: {outcome:?}"),
        }
    }
    assert!(reached > 50, "only {reached} objects were recognised");
    eprintln!("{reached} objects reached the webhook");
}

fn shared_directory() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    std::env::var_os("FLINK_ADMISSION_SHARED").map_or_else(beside, PathBuf::from)
}

/// All objects in the YAML files below `directory`, those in lists too; documents that cannot be read are another test's.
fn collect(directory: &Path, objects: &mut Vec<(String, Value)>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, objects);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = std::fs::read_to_string(&path).unwrap();
            for document in each_document(&text).into_iter().flatten() {
                unpack(&format!("{}, document {}", path.display(), document.index), document.value, objects);
            }
        }
    }
}

fn unpack(origin: &str, value: Value, objects: &mut Vec<(String, Value)>) {
    match value.get("items") {
        Some(Value::Array(items)) => items.iter().for_each(|item| unpack(origin, item.clone(), objects)),
        _ => objects.push((origin.to_owned(), value)),
    }
}
