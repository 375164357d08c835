//! `ha-without-checkpoints`: HA for jobs that start from their beginning.

use serde_json::Value;

use crate::flink::cluster::Shape;
use crate::flink::deployment::walk;
use crate::flink::options::CHECKPOINT_INTERVAL;
use crate::policy::finding::Level;
use crate::policy::rules::operations::highly_available;
use crate::policy::rules::{Case, Page, Rule, Violation, checkpoints};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "ha-without-checkpoints",
    failure: "C22",
    strict: Level::Audit,
    baseline: Level::Audit,
    page: Page {
        what: "High availability is on and the configuration sets no `execution.checkpointing.interval`.",
        why: "A new JobManager finds the job, and starts it from its newest checkpoint. Without checkpoints that is its beginning; and without them no restart strategy is in force either unless one is set.",
        limits: "The interval is a default for jobs: a job may set it in its own code, and on a session cluster each job brings its own, so this is a remark and no more. The operator sets five minutes for `upgradeMode: last-state`; its own defaults may set it for all its clusters. Where checkpoints are made by the operator's schedule, or jobs run as batches, or the configuration may hold more than can be seen, nothing is said.",
        example: "spec:\n  flinkConfiguration:\n    high-availability.type: kubernetes\n    high-availability.storageDir: s3://state/ha   # and no interval",
        fix: "Set `execution.checkpointing.interval`, for example to `1 min`.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = highly_available(case).filter(|view| view.unknown.is_none()) else { return Vec::new() };
    if view.config.option(CHECKPOINT_INTERVAL, case.cluster.version).is_some()
        || checkpoints::schedule(view, checkpoints::CHECKPOINT_SCHEDULE).is_some()
        || view.is_batch()
        || has_interval_of_the_operator(case)
    {
        return Vec::new();
    }
    let (whose, unless) = if case.cluster.application {
        ("the job starts", "it switches checkpoints on in its code")
    } else {
        ("jobs start", "they switch checkpoints on in their code")
    };
    let message = format!(
        "high availability is on and `{CHECKPOINT_INTERVAL}` is not set, so after a failure {whose} from the beginning unless {unless}"
    );
    let fix = format!("set `{CHECKPOINT_INTERVAL}`, for example to `1 min`");
    vec![Violation::at_field(view.config_path.key(CHECKPOINT_INTERVAL), None, message, fix)]
}

/// Source: operator 1.15, `FlinkConfigBuilder.applyJobConfig`.
fn has_interval_of_the_operator(case: &Case<'_>) -> bool {
    let Shape::FlinkDeployment { .. } = case.cluster.shape else { return false };
    walk(case.object, &case.spec().keys(&["job", "upgradeMode"])).and_then(Value::as_str) == Some("last-state")
}
