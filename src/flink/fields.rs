//! The shapes that the operator's CRDs give to the fields of a FlinkDeployment and a FlinkSessionJob.

use serde_json::Value;

use crate::flink::deployment::{TEMPLATES, walk};
use crate::object::{FieldPath, at, shape};

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

/// What is misshapen in the FlinkDeploymentSpec at `spec` of `object`.
#[must_use]
pub fn of_deployment(object: &Value, spec: &FieldPath) -> Vec<Misshapen> {
    let Some(body) = walk(object, spec) else { return Vec::new() };
    let of_templates =
        TEMPLATES.iter().filter_map(|template| Some(below(at(body, template)?, &spec.keys(template), &OF_TEMPLATES)));
    itself(body, spec).into_iter().chain(below(body, spec, &OF_DEPLOYMENT)).chain(of_templates.flatten()).collect()
}

/// What is misshapen in the spec of a FlinkSessionJob at `spec` of `object`.
#[must_use]
pub fn of_session_job(object: &Value, spec: &FieldPath) -> Vec<Misshapen> {
    let Some(body) = walk(object, spec) else { return Vec::new() };
    itself(body, spec).into_iter().chain(below(body, spec, &OF_SESSION_JOB)).collect()
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
