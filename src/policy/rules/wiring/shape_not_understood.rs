//! `shape-not-understood`: a field of a Flink object that is not of the shape it must have.

use crate::flink::cluster::Shape;
use crate::flink::deployment::walk;
use crate::object::{FieldPath, shape};
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "shape-not-understood",
    failure: "F12",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "A field that describes the cluster is not of the shape that it must have: `flinkConfiguration` is a list, `podTemplate` is a string.",
        why: "What stands there has no effect on how the cluster is judged or completed, and probably none on Flink.",
        limits: "Only the fields that the rules read are looked at; everything else is the API server's and the operator's to check.",
        example: "spec:\n  flinkConfiguration: [\"high-availability.type=kubernetes\"]",
        fix: "Write it in the shape that the finding names.",
    },
    check,
};

/// Fields below the spec, whether each is a map or a list.
const FIELDS: [(&[&str], &str); 13] = [
    (&["flinkConfiguration"], "a map"),
    (&["podTemplate"], "a map"),
    (&["podTemplate", "spec"], "a map"),
    (&["podTemplate", "spec", "containers"], "a list"),
    (&["podTemplate", "spec", "volumes"], "a list"),
    (&["jobManager"], "a map"),
    (&["jobManager", "podTemplate"], "a map"),
    (&["jobManager", "podTemplate", "spec", "containers"], "a list"),
    (&["jobManager", "podTemplate", "spec", "volumes"], "a list"),
    (&["taskManager"], "a map"),
    (&["taskManager", "podTemplate"], "a map"),
    (&["flinkVersion"], "a string"),
    (&["image"], "a string"),
];

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Shape::FlinkDeployment { .. } = case.cluster.shape else { return Vec::new() };
    let Some(spec) = case.cluster.leading().and_then(|view| view.config_path.split_last()).map(|(spec, _)| spec) else {
        return Vec::new();
    };
    let whole = walk(case.object, &spec)
        .filter(|value| !value.is_object())
        .map(|value| violation(spec.clone(), value, "a map"));
    let of_field = FIELDS.iter().filter_map(|(keys, expected)| {
        let path = spec.keys(keys);
        let value = walk(case.object, &path).filter(|value| shape(value) != *expected)?;
        Some(violation(path, value, expected))
    });
    whole.into_iter().chain(of_field).collect()
}

fn violation(path: FieldPath, value: &serde_json::Value, expected: &str) -> Violation {
    let message = format!("this is {} and must be {expected}, so nothing in it takes effect here", shape(value));
    Violation::at_field(path, None, message, format!("write {expected}"))
}
