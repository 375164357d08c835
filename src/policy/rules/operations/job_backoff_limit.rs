//! `job-backoff-limit`: a JobManager that Kubernetes gives up.

use crate::flink::cluster::Shape;
use crate::object::{FieldPath, at, integer, text};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "job-backoff-limit",
    failure: "D11",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "The JobManager is a Job with `backoffLimit` 6 or less, which is also the default.",
        why: "Each end of the JobManager counts, over the whole life of the Job: a node that is drained, an upgrade, an error. After the last one Kubernetes does not start it again, whatever high availability has kept.",
        limits: "A `podFailurePolicy` may leave some ends out of the count, and is not looked into. With `backoffLimitPerIndex` the default is another, and nothing is said.",
        example: "kind: Job\nspec:\n  template: {…}   # args: [standalone-job, …], no backoffLimit",
        fix: "Set a large `backoffLimit`, for example 1000000; it cannot be more than 2147483647.",
    },
    check,
};

/// What Kubernetes takes where the field is not set.
const DEFAULT: i64 = 6;

fn check(case: &Case<'_>) -> Vec<Violation> {
    let is_job = case.cluster.shape == Shape::Raw && text(case.object, &["kind"]) == Some("Job");
    if !is_job || case.cluster.role(Role::JobManager).is_none() {
        return Vec::new();
    }
    let spec = |field| at(case.object, &["spec", field]);
    let (limit, said) = match (spec("backoffLimit"), spec("backoffLimitPerIndex")) {
        (Some(_), _) => match integer(case.object, &["spec", "backoffLimit"]) {
            Some(limit) if limit <= DEFAULT => (Some(limit.to_string()), format!("`backoffLimit` is {limit}")),
            _ => return Vec::new(),
        },
        (None, Some(_)) => return Vec::new(),
        (None, None) => (None, format!("`backoffLimit` is not set, whose default is {DEFAULT}")),
    };
    let message = format!(
        "{said}, so Kubernetes gives up after that many ends of the JobManager, drained nodes included, and does not start it again"
    );
    let fix = "set a large `backoffLimit`, for example 1000000".to_owned();
    let path = FieldPath::of(&["spec", "backoffLimit"]);
    vec![Violation::at_field(path, limit, message, fix).of_role(Role::JobManager)]
}
