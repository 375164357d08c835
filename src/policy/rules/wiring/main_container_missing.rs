//! `main-container-missing`: mounts on a container that is not Flink's.

use crate::flink::cluster::Shape;
use crate::flink::deployment::walk;
use crate::flink::image::Image;
use crate::flink::pod::MAIN_CONTAINER;
use crate::object::{FieldPath, list, name, named, text};
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
        limits: "A container with an image that is neither the cluster's nor the official one is taken for a sidecar. A sidecar without an image is not; then the warning may be ignored.",
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
        // A sidecar is known by an image of its own; the container that means to be Flink's has none, or Flink's.
        let means_flink = |container: &serde_json::Value| {
            let own = view.image.as_ref().map(|(image, _)| image.as_str());
            text(container, &["image"])
                .is_none_or(|image| own == Some(image) || Image::parse(image).is_stock(&case.policy.spec.images.stock))
        };
        let Some(container) =
            containers.iter().find(|one| !list(one, &["volumeMounts"]).is_empty() && means_flink(one))
        else {
            continue;
        };
        let called = name(container).unwrap_or_default();
        let path = locate(case, &case.spec(), view.role, called);
        if violations.iter().any(|known| known.path == path) {
            continue;
        }
        let message = format!(
            "container `{called}` has the mounts and no container is called `{MAIN_CONTAINER}`, so Flink runs in a container of its own, without them"
        );
        let fix = format!("rename the container to `{MAIN_CONTAINER}`");
        violations.push(Violation::at_field(path, Some(called.to_owned()), message, fix).of_role(view.role));
    }
    violations
}

/// Where the container called `called` stands: in the role's template, else in the common one.
fn locate(case: &Case<'_>, spec: &FieldPath, role: crate::policy::Role, called: &str) -> FieldPath {
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
