//! `upgrade-mode-stateless`: upgrades that throw the state away.

use serde_json::Value;

use crate::flink::cluster::Shape;
use crate::flink::deployment::walk;
use crate::flink::duration::nanoseconds;
use crate::flink::options::CHECKPOINT_INTERVAL;
use crate::object::at;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "upgrade-mode-stateless",
    failure: "B23",
    strict: Level::Warn,
    baseline: Level::Audit,
    page: Page {
        what: "The job of a FlinkDeployment, or a FlinkSessionJob, makes checkpoints (`execution.checkpointing.interval` is set, in the job or in its cluster) and its `upgradeMode` is `stateless`, which is also the default.",
        why: "With `stateless` the operator cancels the job at every change of the spec and starts it from nothing: checkpoints serve failures, and each upgrade loses the state that they hold.",
        limits: "A job that keeps no state, or reads all of its input again, loses nothing by it. Checkpoints that a job switches on in its own code are not seen, nor is what the operator's own configuration sets. Where `initialSavepointPath` names what to start from, nothing is said.",
        example: "spec:\n  flinkConfiguration: {execution.checkpointing.interval: 1 min}\n  job: {jarURI: \"local:///opt/flink/usrlib/job.jar\", upgradeMode: stateless}",
        fix: "Set `upgradeMode: last-state` or `savepoint`.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.leading().filter(|_| case.cluster.shape != Shape::Raw) else { return Vec::new() };
    let path = case.spec().key("job");
    let Some(job) = walk(case.object, &path).filter(|job| job.is_object()) else { return Vec::new() };
    let said = |field: &str| at(job, &[field]).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let what = match said("upgradeMode") {
        Some("stateless") => "`upgradeMode` is `stateless`",
        None => "`upgradeMode` is `stateless` by default",
        Some(_) => return Vec::new(),
    };
    let interval = view.config.value(CHECKPOINT_INTERVAL, case.cluster.version);
    // A batch job makes no checkpoints, whatever the interval.
    let is_batch =
        view.config.exact("execution.runtime-mode").is_some_and(|mode| mode.value.trim().eq_ignore_ascii_case("batch"));
    let makes_checkpoints = interval.and_then(nanoseconds).is_some_and(|length| length > 0) && !is_batch;
    if !makes_checkpoints || said("initialSavepointPath").is_some() {
        return Vec::new();
    }
    let message = format!(
        "{what} and `{CHECKPOINT_INTERVAL}` is set, so the job has checkpoints and every upgrade starts it without them"
    );
    let fix = "set `upgradeMode: last-state` or `savepoint`, unless the job may lose its state".to_owned();
    let mode = said("upgradeMode").map(str::to_owned);
    vec![Violation::at_field(path.key("upgradeMode"), mode, message, fix)]
}
