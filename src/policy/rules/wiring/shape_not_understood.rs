//! `shape-not-understood`: a field of a Flink object that is not of the shape it must have.

use serde_json::Value;

use crate::flink::cluster::Shape;
use crate::flink::deployment::walk;
use crate::flink::version::FlinkVersion;
use crate::object::{FieldPath, at, shape};
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

/// Fields below the spec, and what each has to be.
const FIELDS: [(&[&str], &str); 8] = [
    (&["flinkConfiguration"], "a map"),
    (&["podTemplate"], "a map"),
    (&["jobManager"], "a map"),
    (&["jobManager", "podTemplate"], "a map"),
    (&["taskManager"], "a map"),
    (&["taskManager", "podTemplate"], "a map"),
    (&["image"], "a string"),
    (&["serviceAccount"], "a string"),
];

/// The same of a session job.
const FIELDS_OF_JOB: [(&[&str], &str); 3] =
    [(&["flinkConfiguration"], "a map"), (&["job"], "a map"), (&["deploymentName"], "a string")];

/// The pod templates of the spec.
const TEMPLATES: [&[&str]; 3] = [&["podTemplate"], &["jobManager", "podTemplate"], &["taskManager", "podTemplate"]];

/// Fields below each pod template.
const OF_TEMPLATES: [(&[&str], &str); 4] = [
    (&["spec"], "a map"),
    (&["spec", "containers"], "a list"),
    (&["spec", "volumes"], "a list"),
    (&["spec", "securityContext"], "a map"),
];

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Shape::FlinkDeployment { .. } = case.cluster.shape else { return Vec::new() };
    let spec = case.spec();
    let Some(body) = walk(case.object, &spec) else { return of_version(case, &spec).into_iter().collect() };
    let wrong = |value: Option<&Value>, expected: &str, path: &dyn Fn() -> FieldPath| {
        let value = value.filter(|value| shape(value) != expected)?;
        Some(violation(path(), value, expected))
    };
    let of_spec = wrong(Some(body), "a map", &|| spec.clone()).into_iter();
    if case.cluster.submission.is_some() {
        let of_field = |(keys, expected): &(&[&str], &str)| wrong(at(body, keys), expected, &|| spec.keys(keys));
        return of_spec.chain(FIELDS_OF_JOB.iter().filter_map(of_field)).collect();
    }
    let of_fields = FIELDS.iter().filter_map(|(keys, expected)| wrong(at(body, keys), expected, &|| spec.keys(keys)));
    let of_templates = TEMPLATES.iter().filter_map(|template| Some((*template, at(body, template)?)));
    let in_templates = of_templates.flat_map(|(template, value)| {
        let wrong =
            |(keys, expected): &(&[&str], &str)| wrong(at(value, keys), expected, &|| spec.keys(template).keys(keys));
        OF_TEMPLATES.iter().filter_map(wrong).collect::<Vec<_>>()
    });
    let of_shape = of_spec.chain(of_fields).chain(in_templates);
    of_shape.chain(of_version(case, &spec)).collect()
}

/// `flinkVersion` in a form of its own, such as `1.20`: what depends on the version is then not judged.
fn of_version(case: &Case<'_>, spec: &FieldPath) -> Option<Violation> {
    let path = spec.key("flinkVersion");
    let value = walk(case.object, &path)?;
    let text = value.as_str();
    if text.and_then(FlinkVersion::from_field).is_some() {
        return None;
    }
    let what = text.map_or_else(|| shape(value).to_owned(), |text| format!("`{text}`"));
    let message = format!("this is {what}, which names no Flink version, so what depends on the version is not judged");
    Some(Violation::at_field(path, text.map(str::to_owned), message, "write it as in `v1_20`".to_owned()))
}

fn violation(path: FieldPath, value: &Value, expected: &str) -> Violation {
    let message =
        format!("this is {} where {expected} belongs, so nothing in it is judged or takes effect", shape(value));
    Violation::at_field(path, None, message, format!("write {expected}"))
}
