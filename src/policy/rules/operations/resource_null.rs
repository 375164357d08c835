//! `resource-null`: a role's resources, one level too far left.

use serde_json::Value;

use crate::flink::cluster::Shape;
use crate::flink::deployment::{field, walk};
use crate::object::at;
use crate::policy::finding::{Level, Role};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "resource-null",
    failure: "D4",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "`jobManager.resource` or `taskManager.resource` of a FlinkDeployment is null, or `cpu` and `memory` stand beside it.",
        why: "The fields are one level too far left. `kubectl` refuses what the resource definition does not know (`strict decoding error: unknown field \"spec.jobManager.memory\"`). Clients that do not ask for that, and `--validate=ignore`, have the API server drop the fields, and the operator refuses what is left: `JobManager resource memory must be defined using spec.jobManager.resource.memory`.",
        limits: "Where the options set a size, the cluster starts without the fields, and it is a warning; so it is where the field is null and nothing stands beside it, since the operator's own configuration may set a size. The API server refuses or drops them before it asks webhooks, so this is seen in manifests and not in a cluster.",
        example: "spec:\n  jobManager:\n    resource:\n    memory: 2048m\n    cpu: 1",
        fix: "Indent `memory` and `cpu` below `resource`.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    if case.cluster.shape == Shape::Raw {
        return Vec::new();
    }
    [Role::JobManager, Role::TaskManager].into_iter().filter_map(|role| of_role(case, role)).collect()
}

fn of_role(case: &Case<'_>, role: Role) -> Option<Violation> {
    let path = case.spec().key(field(role));
    let block = walk(case.object, &path)?;
    let beside: Vec<&str> = ["memory", "cpu"].into_iter().filter(|name| at(block, &[name]).is_some()).collect();
    let is_null = block.get("resource").is_some_and(Value::is_null);
    let is_given = ["resource", "resources"].iter().any(|name| at(block, &[name]).is_some());
    let has_size = has_size(case, role);
    // Null and nothing lost is only another way not to write it, where the size comes from elsewhere.
    if is_given || !(is_null || beside.contains(&"memory")) || (has_size && beside.is_empty()) {
        return None;
    }
    let (stray, stand) = match beside.as_slice() {
        [] => (String::new(), ""),
        [one] => (format!("`{one}`"), "stands"),
        [one, other, ..] => (format!("`{one}` and `{other}`"), "stand"),
    };
    let what = match (is_null, stray.is_empty()) {
        (true, true) => "`resource` is null".to_owned(),
        (true, false) => format!("`resource` is null and {stray} {stand} beside it, not below it"),
        (false, _) => format!("{stray} {stand} below `{}` itself, not below `resource`", field(role)),
    };
    let end = match (has_size, stray.is_empty()) {
        (true, _) => format!("what stands there is dropped and the {role} gets what the options say"),
        (false, true) => format!(
            "the {role} has no memory size, and without one in its own configuration the operator refuses the FlinkDeployment"
        ),
        (false, false) => format!("the {role} has no memory size and the operator refuses the FlinkDeployment"),
    };
    let message = if stray.is_empty() {
        format!("{what}, so {end}")
    } else {
        format!("{what}, so `kubectl` refuses it as an unknown field, and where that is not checked {end}")
    };
    let fix = if stray.is_empty() {
        "set `resource.memory` and `resource.cpu`".to_owned()
    } else {
        "indent `memory` and `cpu` below `resource`".to_owned()
    };
    let place = if is_null { path.key("resource") } else { path };
    let value = is_null.then(|| "null".to_owned());
    let violation = Violation::at_field(place, value, message, fix).of_role(role);
    // With nothing beside it nothing is lost, and the operator's own configuration may have a size.
    Some(if has_size || beside.is_empty() { violation.uncertain() } else { violation })
}

/// Whether options set the size of `role`, which the operator takes in place of the field.
///
/// Source: operator 1.5 to 1.15, `DefaultValidator.validateJmSpec`, `validateTmSpec`.
fn has_size(case: &Case<'_>, role: Role) -> bool {
    let names = match role {
        Role::JobManager => {
            ["jobmanager.memory.process.size", "jobmanager.memory.flink.size", "jobmanager.memory.heap.size"]
        }
        Role::TaskManager => {
            ["taskmanager.memory.process.size", "taskmanager.memory.flink.size", "taskmanager.memory.task.heap.size"]
        }
    };
    let view = case.cluster.role(role);
    view.is_some_and(|view| {
        view.unknown.is_some() || names.iter().any(|name| view.config.option(name, case.cluster.version).is_some())
    })
}
