//! The shapes that the operator's CRDs give to the fields of a FlinkDeployment and a FlinkSessionJob.

use serde_json::Value;

use crate::flink::deployment::{TEMPLATES, walk};
use crate::object::{FieldPath, at, list, shape};

/// A field that is of another shape than it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misshapen {
    /// Its path.
    pub path: FieldPath,
    /// What it is: `a list`.
    pub is: &'static str,
    /// What it must be: `a map`.
    pub expected: &'static str,
}

type Field = (&'static [&'static str], &'static str);

/// Fields below the spec of a FlinkDeployment.
const OF_DEPLOYMENT: [Field; 8] = [
    (&["flinkConfiguration"], "a map"),
    (&["podTemplate"], "a map"),
    (&["jobManager"], "a map"),
    (&["jobManager", "podTemplate"], "a map"),
    (&["taskManager"], "a map"),
    (&["taskManager", "podTemplate"], "a map"),
    (&["image"], "a string"),
    (&["serviceAccount"], "a string"),
];

/// Fields below the spec of a FlinkSessionJob.
const OF_SESSION_JOB: [Field; 3] =
    [(&["flinkConfiguration"], "a map"), (&["job"], "a map"), (&["deploymentName"], "a string")];

/// Fields below each pod template.
const OF_TEMPLATES: [Field; 4] = [
    (&["spec"], "a map"),
    (&["spec", "containers"], "a list"),
    (&["spec", "volumes"], "a list"),
    (&["spec", "securityContext"], "a map"),
];

/// Lists of maps below the spec of a pod.
const LISTS_OF_PODS: [&str; 2] = ["containers", "volumes"];

/// Lists of maps below a container.
const LISTS_OF_CONTAINERS: [&str; 2] = ["env", "volumeMounts"];

/// Strings in the elements of these lists.
const STRINGS_OF_ELEMENTS: [&str; 5] = ["name", "image", "value", "mountPath", "subPath"];

/// What is misshapen in the FlinkDeploymentSpec at `spec` of `object`.
#[must_use]
pub fn of_deployment(object: &Value, spec: &FieldPath) -> Vec<Misshapen> {
    let Some(body) = walk(object, spec) else { return Vec::new() };
    let of_templates =
        TEMPLATES.iter().filter_map(|template| Some(of_template(at(body, template)?, &spec.keys(template))));
    itself(body, spec).into_iter().chain(below(body, spec, &OF_DEPLOYMENT)).chain(of_templates.flatten()).collect()
}

/// What is misshapen in the spec of a FlinkSessionJob at `spec` of `object`.
#[must_use]
pub fn of_session_job(object: &Value, spec: &FieldPath) -> Vec<Misshapen> {
    let Some(body) = walk(object, spec) else { return Vec::new() };
    itself(body, spec).into_iter().chain(below(body, spec, &OF_SESSION_JOB)).collect()
}

/// What is misshapen in the pod template `body`, which stands at `path`.
fn of_template(body: &Value, path: &FieldPath) -> Vec<Misshapen> {
    let (pod, path_of_pod) = (at(body, &["spec"]).unwrap_or(&Value::Null), path.key("spec"));
    let of_pod = LISTS_OF_PODS.iter().flat_map(|list| elements(pod, &path_of_pod, list));
    let containers = list(pod, &["containers"]).iter().enumerate().flat_map(|(position, container)| {
        let path = path_of_pod.key("containers").index(position);
        LISTS_OF_CONTAINERS.iter().flat_map(move |list| {
            let itself = at(container, &[list]).and_then(|value| wrong(value, path.key(list), "a list"));
            itself.into_iter().chain(elements(container, &path, list)).collect::<Vec<_>>()
        })
    });
    below(body, path, &OF_TEMPLATES).into_iter().chain(of_pod).chain(containers).collect()
}

/// The elements of the list `key` in `body`, which stands at `path`, that are no maps, and what is no string in them.
fn elements<'v>(body: &'v Value, path: &FieldPath, key: &'static str) -> impl Iterator<Item = Misshapen> + 'v {
    let path = path.key(key);
    list(body, &[key]).iter().enumerate().flat_map(move |(position, element)| {
        let path = path.index(position);
        let no_map = wrong(element, path.clone(), "a map");
        let string_at = move |key| no_string(at(element, &[key])?, path.key(key));
        no_map.into_iter().chain(STRINGS_OF_ELEMENTS.into_iter().filter_map(string_at))
    })
}

/// Numbers and booleans are strings to the operator; maps and lists are not.
fn no_string(value: &Value, path: FieldPath) -> Option<Misshapen> {
    (value.is_object() || value.is_array()).then(|| wrong(value, path, "a string")).flatten()
}

fn itself(body: &Value, path: &FieldPath) -> Option<Misshapen> {
    wrong(body, path.clone(), "a map")
}

/// Those of `fields` in `body`, which stands at `path`, that are misshapen.
fn below(body: &Value, path: &FieldPath, fields: &[Field]) -> Vec<Misshapen> {
    fields.iter().filter_map(|(keys, expected)| wrong(at(body, keys)?, path.keys(keys), expected)).collect()
}

fn wrong(value: &Value, path: FieldPath, expected: &'static str) -> Option<Misshapen> {
    let is = shape(value);
    (is != expected).then_some(Misshapen { path, is, expected })
}
