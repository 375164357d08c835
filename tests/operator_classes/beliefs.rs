//! What we make of a FlinkDeployment, beside what the operator's classes answered.

use flink_admission::flink::cluster::Cluster;
use flink_admission::flink::configuration::flatten;
use flink_admission::flink::deployment::{self, FlinkDeployment};
use flink_admission::flink::pod::MAIN_CONTAINER;
use flink_admission::flink::version::FlinkVersion;
use flink_admission::object::FieldPath;
use flink_admission::policy::Role;
use serde_json::{Value, json};

use super::classes::Classes;
use super::compared::Compared;

/// Options that the operator sets by what the rest of the spec says, whatever the configuration says.
const OF_SPEC: &[&str] = &[
    "$internal.application.main",
    "execution.shutdown-on-application-finish",
    "execution.target",
    "high-availability.cluster-id",
    "jobmanager.memory.process.size",
    "kubernetes.cluster-id",
    "kubernetes.container.image",
    "kubernetes.container.image.ref",
    "kubernetes.jobmanager.replicas",
    "kubernetes.namespace",
    "kubernetes.pod-template-file.jobmanager",
    "kubernetes.pod-template-file.taskmanager",
    "kubernetes.service-account",
    "parallelism.default",
    "pipeline.jars",
    "taskmanager.memory.process.size",
];

/// Options that it adds where the configuration does not have them.
const ADDED: &[&str] = &[
    "$internal.application.program-args",
    "$internal.cluster-mode",
    "$internal.flink.version",
    "execution.checkpointing.externalized-checkpoint-retention",
    "execution.checkpointing.interval",
    "execution.submit-failed-job-on-application-error",
    "kubernetes.internal.cluster-mode",
    "kubernetes.internal.taskmanager.replicas",
    "kubernetes.jobmanager.cpu",
    "kubernetes.jobmanager.cpu.amount",
    "kubernetes.rest-service.exposed.type",
    "kubernetes.taskmanager.cpu",
    "kubernetes.taskmanager.cpu.amount",
    "kubernetes.taskmanager.replicas",
    "pipeline.classpaths",
    "pipeline.name",
    "web.cancel.enable",
];

/// Where the operator's `answer` for `object` is otherwise than we believe.
///
/// What was compared is counted in `compared`.
pub fn differences(object: &Value, answer: &Value, classes: &mut Classes, compared: &Compared) -> Vec<String> {
    let spec = FieldPath::of(&["spec"]);
    let ours = deployment::resolve(object, &spec);
    let mut differences: Vec<String> = flattening(object, answer).into_iter().collect();
    for role in [Role::JobManager, Role::TaskManager] {
        differences.extend(merge(object, role, &ours, classes, compared));
    }
    compared.none.count(!answer["effective"].is_object());
    if answer["effective"].is_object() {
        compared.effective.count(true);
        differences.extend(effective(object, answer));
        differences.extend(accounts(object, answer, &ours));
        differences.extend(availability(object, answer, &ours));
        differences.extend(pods(answer, &ours));
    }
    differences
}

fn flattening(object: &Value, answer: &Value) -> Option<String> {
    let configuration = &object["spec"]["flinkConfiguration"];
    let theirs = &answer["flat"];
    if !configuration.is_object() || !theirs.is_object() {
        return None;
    }
    let ours: Value = flat(configuration);
    (ours != *theirs).then(|| format!("flat it is {theirs}, not {ours}"))
}

/// `configuration` as we flatten it.
pub fn flat(configuration: &Value) -> Value {
    let flat = flatten(configuration, &FieldPath::default(), "");
    Value::Object(flat.iter().map(|(key, setting)| (key.to_owned(), json!(setting.value))).collect())
}

fn merge(
    object: &Value,
    role: Role,
    ours: &FlinkDeployment,
    classes: &mut Classes,
    compared: &Compared,
) -> Option<String> {
    let base = &object["spec"]["podTemplate"];
    let own = &object["spec"][deployment::field(role)]["podTemplate"];
    if !base.is_object() && !own.is_object() {
        return None;
    }
    let by_name = &object["spec"]["flinkConfiguration"]["kubernetes.operator.pod-template.merge-arrays-by-name"];
    let by_name = by_name.as_str().map_or_else(|| by_name == &json!(true), |text| text.eq_ignore_ascii_case("true"));
    let pod = if role == Role::JobManager { &ours.job_manager } else { &ours.task_manager };
    let question = json!({"base": base, "own": own, "byName": by_name, "ours": &*pod.template});
    let answer = classes.ask(&question);
    if answer["unreadable"].is_string() {
        compared.unreadable.count(true);
        return None;
    }
    // Of two templates, since one alone is not merged.
    if base.is_object() && own.is_object() {
        if by_name { &compared.by_name } else { &compared.by_position }.count(true);
    }
    (answer["theirs"] != answer["ours"])
        .then(|| format!("{role}: merged by name {by_name} to {}, not {}", answer["theirs"], answer["ours"]))
}

/// What we read is in force, but for what the operator sets itself; and there is nothing else.
fn effective(object: &Value, answer: &Value) -> Vec<String> {
    let ours = flat(&object["spec"]["flinkConfiguration"]);
    let (ours, theirs) = (ours.as_object().expect("a map"), answer["effective"].as_object().expect("a map"));
    let is_read = object["spec"]["flinkConfiguration"].is_object();
    let mut differences = Vec::new();
    for (key, value) in ours.iter().filter(|(key, _)| is_read && !OF_SPEC.contains(&key.as_str())) {
        if theirs.get(key) != Some(value) {
            differences.push(format!("`{key}` is {:?}, not {value}", theirs.get(key)));
        }
    }
    let is_known = |key: &str| ours.contains_key(key) || OF_SPEC.contains(&key) || ADDED.contains(&key);
    differences.extend(theirs.keys().filter(|key| !is_known(key)).map(|key| format!("`{key}` is not known of")));
    differences
}

fn accounts(object: &Value, answer: &Value, ours: &FlinkDeployment) -> Vec<String> {
    let mut differences = Vec::new();
    for role in [Role::JobManager, Role::TaskManager] {
        let theirs = answer["accounts"][role.to_string().to_lowercase()].as_str().unwrap_or_default();
        let theirs = Some(theirs).filter(|name| !name.is_empty() && *name != "default");
        let (ours, _) = ours.service_account(object, role);
        if ours.as_deref() != theirs {
            differences.push(format!("{role}: the account is {theirs:?}, not {ours:?}"));
        }
    }
    differences
}

fn availability(object: &Value, answer: &Value, ours: &FlinkDeployment) -> Vec<String> {
    let mut differences = Vec::new();
    let (replicas, _) = ours.job_managers(object);
    // Of fewer than one the validator speaks.
    if answer["replicas"].is_i64() && replicas > 0 && answer["replicas"] != json!(replicas) {
        differences.push(format!("there are {} JobManagers, not {replicas}", answer["replicas"]));
    }
    // The operator reads with its own Flink, whose newer names an older cluster does not know.
    let is_of_operator = ours.version.is_some_and(|version| version.at_least(1, 17));
    let (high_availability, _) = Cluster::of_flink_deployment(object, &ours.spec).high_availability();
    if is_of_operator && answer["active"] != json!(high_availability.is_on()) {
        differences.push(format!("HA is active: {}, not {high_availability:?}", answer["active"]));
    }
    let identity = &answer["effective"]["high-availability.cluster-id"];
    if high_availability.is_on() && is_of_operator && *identity != object["metadata"]["name"] {
        differences.push(format!("the id of its HA is {identity}, not its name"));
    }
    differences
}

/// The volumes of the pod templates that Flink is given, and what the main container mounts and knows.
fn pods(answer: &Value, ours: &FlinkDeployment) -> Vec<String> {
    let mut differences = Vec::new();
    for (role, pod) in [("jobmanager", &ours.job_manager), ("taskmanager", &ours.task_manager)] {
        let theirs = &answer["pods"][role];
        let main = |template: &Value| {
            let containers = template["spec"]["containers"].as_array().cloned().unwrap_or_default();
            containers.into_iter().find(|container| container["name"] == MAIN_CONTAINER).unwrap_or_default()
        };
        let names = |list: &Value| -> Vec<Value> {
            list.as_array().into_iter().flatten().map(|element| element["name"].clone()).collect()
        };
        let (main_of_theirs, main_of_ours) = (main(theirs), main(&pod.template));
        for (what, theirs, ours) in [
            ("volumes", &theirs["spec"]["volumes"], &pod.template["spec"]["volumes"]),
            ("mounts", &main_of_theirs["volumeMounts"], &main_of_ours["volumeMounts"]),
            ("variables", &main_of_theirs["env"], &main_of_ours["env"]),
        ] {
            if names(theirs) != names(ours) {
                differences.push(format!("{role}: the {what} are {theirs}, not {ours}"));
            }
        }
    }
    differences
}

/// The version of `object`, as we read it.
pub fn version(object: &Value) -> Option<FlinkVersion> {
    deployment::resolve(object, &FieldPath::of(&["spec"])).version
}
