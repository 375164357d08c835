//! FlinkDeployments that the operator mostly takes, and the form in which an operator of a version is asked for them.

use flink_admission::flink::configuration::flatten;
use flink_admission::object::FieldPath;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::classes::Classes;
use crate::generated::{Json, deployment};

/// A FlinkDeployment, for the most part with what the validator wants, and now and then with what it looks at.
pub fn reviewed() -> impl Strategy<Value = Json> {
    let mostly = |value: Value, others: Vec<Value>| prop_oneof![9 => Just(value), 1 => select(others)];
    let account = mostly(json!("own"), vec![Value::Null, json!(""), json!("default")]);
    let memory = mostly(json!("2048m"), vec![Value::Null, json!("2Gi"), json!("2 gb"), json!("much"), json!("")]);
    let parallelism = mostly(json!(2), vec![Value::Null, json!(0)]);
    let mode =
        select(vec![json!("stateless"), json!("stateless"), json!("last-state"), json!("savepoint"), Value::Null]);
    let name = mostly(json!("turbines"), vec![json!("Turbines"), json!("t".repeat(46))]);
    let replicas = mostly(Value::Null, vec![json!(0), json!(1), json!(3)]);
    let by_name = select(vec![Value::Null, Value::Null, json!("true")]);
    let other = mostly(
        Value::Null,
        vec![
            json!({"kubernetes.operator.deployment.rollback.enabled": "true"}),
            json!({"kubernetes.operator.cluster.health-check.enabled": "true"}),
            json!({"kubernetes.operator.periodic.savepoint.interval": "1h"}),
            json!({"kubernetes.operator.job.upgrade.last-state.max.allowed.checkpoint.age": "1h"}),
            json!({"kubernetes.namespace": "elsewhere"}),
            json!({"taskmanager.memory.process.size": "2g"}),
        ],
    );
    (deployment(), account, memory, parallelism, mode, name, (replicas, other, by_name)).prop_map(
        |(Json(mut object), account, memory, parallelism, mode, name, (replicas, other, by_name))| {
            object["metadata"]["name"] = name;
            let Some(spec) = object["spec"].as_object_mut() else { return Json(object) };
            fill(spec, "serviceAccount", account);
            for role in ["jobManager", "taskManager"] {
                let block = spec.entry(role).or_insert_with(|| json!({}));
                if block.is_object() {
                    block["resource"] = json!({"memory": memory, "cpu": 1});
                }
            }
            if let Some(block) = spec.get_mut("taskManager").and_then(Value::as_object_mut) {
                fill(block, "replicas", replicas);
            }
            if let Some(job) = spec.get_mut("job").and_then(Value::as_object_mut) {
                fill(job, "parallelism", parallelism);
                fill(job, "upgradeMode", mode);
            }
            if let Some(Value::Object(configuration)) = spec.get_mut("flinkConfiguration") {
                configuration.extend(other.as_object().cloned().unwrap_or_default());
                fill(configuration, "kubernetes.operator.pod-template.merge-arrays-by-name", by_name);
            }
            Json(without_nulls(&object))
        },
    )
}

/// `object` as it is given to `classes`: of a version that they know, and with a configuration that they can read.
pub fn asked(object: &Value, classes: &Classes) -> Value {
    let mut object = object.clone();
    let newest = classes.versions.last().expect("a version");
    let version = object["spec"]["flinkVersion"].as_str().unwrap_or_default();
    if KNOWN.contains(&version) && !classes.versions.iter().any(|known| known == version) {
        object["spec"]["flinkVersion"] = json!(newest);
    }
    let configuration = &object["spec"]["flinkConfiguration"];
    if !classes.takes_nested && configuration.is_object() {
        let flat = flatten(configuration, &FieldPath::default(), "");
        let texts: Map<String, Value> = flat.iter().map(|(key, set)| (key.to_owned(), json!(set.value))).collect();
        object["spec"]["flinkConfiguration"] = Value::Object(texts);
    }
    object
}

/// Versions newer than the oldest operator that is asked.
const KNOWN: [&str; 5] = ["v1_20", "v2_0", "v2_1", "v2_2", "v2_3"];

fn fill(map: &mut Map<String, Value>, key: &str, value: Value) {
    if !value.is_null() {
        map.insert(key.to_owned(), value);
    }
}

/// `value` without the nulls in it, which the API server drops from the operator's kinds.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), without_nulls(value))).collect())
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        scalar => scalar.clone(),
    }
}
