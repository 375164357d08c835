//! `shape-not-understood`: a field of a Flink object that is not of the shape it must have.

use crate::flink::cluster::Shape;
use crate::flink::deployment::walk;
use crate::flink::fields::{self, Misshapen};
use crate::flink::version::FlinkVersion;
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
        why: "What stands there has no effect on how the cluster is judged, and probably none on Flink. The API server refuses it by the operator's CRD, or the operator does, so nothing is filled in.",
        limits: "Only the fields that the rules read are looked at; everything else is the API server's and the operator's to check.",
        example: "spec:\n  flinkConfiguration: [\"high-availability.type=kubernetes\"]",
        fix: "Write it in the shape that the finding names.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Shape::FlinkDeployment { .. } = case.cluster.shape else { return Vec::new() };
    let spec = case.spec();
    if case.cluster.submission.is_some() {
        return fields::of_session_job(case.object, &spec).into_iter().map(violation).collect();
    }
    let misshapen = fields::of_deployment(case.object, &spec).into_iter().map(violation);
    misshapen.chain(of_version(case, &spec)).collect()
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

fn violation(Misshapen { path, is, expected }: Misshapen) -> Violation {
    let message = format!("this is {is} where {expected} belongs, so nothing in it is judged or takes effect");
    Violation::at_field(path, None, message, format!("write {expected}"))
}
