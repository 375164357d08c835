//! `main-container-missing`: mounts on a container that is not Flink's.

use crate::flink::cluster::Shape;
use crate::flink::deployment::walk;
use crate::flink::pod::MAIN_CONTAINER;
use crate::object::{FieldPath, list, name, named};
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "main-container-missing",
    failure: "C19",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "A pod template has containers with volume mounts, and none of them is called `flink-main-container`.",
        why: "The operator finds Flink's container by that name and adds one of its own where it is missing: the mounts go to a container without Flink, and Flink runs without them.",
        limits: "A template that only adds a sidecar with its own mounts looks the same; then the warning may be ignored.",
        example: "spec:\n  podTemplate:\n    spec:\n      containers:\n      - name: flink\n        volumeMounts: […]",
        fix: "Rename the container to `flink-main-container`.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Shape::FlinkDeployment { .. } = case.cluster.shape else { return Vec::new() };
    let mut violations: Vec<Violation> = Vec::new();
    for view in &case.cluster.roles {
        let containers = list(&view.pod.template, &["spec", "containers"]);
        if view.pod.main.is_some() {
            continue;
        }
        // A sidecar is known by an image of its own; the container that means to be Flink's gets the operator's.
        let Some(container) = containers.iter().find(|one| {
            !list(one, &["volumeMounts"]).is_empty() && one.get("image").is_none_or(serde_json::Value::is_null)
        }) else {
            continue;
        };
        let called = name(container).unwrap_or_default();
        let path =
            locate(case, view.config_path.split_last().map(|(spec, _)| spec).unwrap_or_default(), view.role, called);
        if violations.iter().any(|known| known.path == path) {
            continue;
        }
        let message = format!(
            "the mounts are on the container `{called}` and no container is called `{MAIN_CONTAINER}`, so Flink runs in another container, without them"
        );
        let fix = format!("rename the container to `{MAIN_CONTAINER}`");
        violations.push(Violation::at_field(path, Some(called.to_owned()), message, fix).of_role(view.role));
    }
    violations
}

/// Where the container called `called` stands: in the role's template, else in the common one.
fn locate(case: &Case<'_>, spec: FieldPath, role: crate::policy::Role, called: &str) -> FieldPath {
    let of_role = spec.key(crate::flink::deployment::field(role)).keys(&["podTemplate", "spec", "containers"]);
    let common = spec.keys(&["podTemplate", "spec", "containers"]);
    for containers in [of_role, common.clone()] {
        let elements = walk(case.object, &containers).and_then(|value| value.as_array());
        if let Some((index, _)) = elements.and_then(|elements| named(elements, called)) {
            return containers.index(index).key("name");
        }
    }
    common
}
