//! `roles-in-one-pod`: JobManager and TaskManager fall together.

use crate::flink::cluster::Shape;
use crate::flink::raw::TEMPLATE;
use crate::object::{FieldPath, list, name};
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};
use crate::workload::Launch;

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "roles-in-one-pod",
    failure: "D14",
    strict: Level::Warn,
    baseline: Level::Audit,
    page: Page {
        what: "One pod has a container with the JobManager and another one with a TaskManager.",
        why: "One failure of the node or of the pod takes both, and more TaskManagers cannot be had without more JobManagers.",
        limits: "Two roles that one container starts, as by `start-cluster.sh`, are not seen.",
        example: "kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - {name: jobmanager, args: [jobmanager]}\n      - {name: taskmanager, args: [taskmanager]}",
        fix: "Put the TaskManagers into a Deployment of their own.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.leading().filter(|_| case.cluster.shape == Shape::Raw) else { return Vec::new() };
    let containers = list(&view.pod.template, &["spec", "containers"]);
    let other = containers.iter().enumerate().find_map(|(index, container)| {
        let role = Launch::of(container)?.role;
        (role != view.role).then_some((index, role, name(container).unwrap_or_default()))
    });
    let Some((index, role, called)) = other else { return Vec::new() };
    let message = format!(
        "container `{called}` runs the {role} in the pod of the {}, so one failure takes both and the roles cannot be scaled apart",
        view.role
    );
    let fix = "put the TaskManagers into a Deployment of their own".to_owned();
    let path = FieldPath::of(&TEMPLATE).keys(&["spec", "containers"]).index(index);
    vec![Violation::at_field(path, Some(called.to_owned()), message, fix).of_role(role)]
}
