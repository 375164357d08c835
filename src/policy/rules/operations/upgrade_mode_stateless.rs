//! `upgrade-mode-stateless`: upgrades that throw the state away.

use serde_json::Value;

use crate::flink::cluster::{Directory, RoleView, Shape};
use crate::flink::deployment::walk;
use crate::flink::options::CHECKPOINT_INTERVAL;
use crate::object::at;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation, checkpoints};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "upgrade-mode-stateless",
    failure: "B23",
    strict: Level::Warn,
    baseline: Level::Audit,
    page: Page {
        what: "The job of a FlinkDeployment, or a FlinkSessionJob, has state that is meant to be kept, and its `upgradeMode` is `stateless`, which is also the default: `execution.checkpointing.interval` is set, in the job or in its cluster, or a checkpoint directory, or the operator's own schedule of savepoints or checkpoints, or HA and a savepoint directory.",
        why: "With `stateless` the operator cancels the job at every change of the spec and starts it from nothing: checkpoints serve failures, and each upgrade loses the state that they hold.",
        limits: "A job that keeps no state, or reads all of its input again, loses nothing by it. Checkpoints that a job switches on in its own code are not seen, nor is what the operator's own configuration sets. Of batches nothing is said, nor of a checkpoint directory where the interval is 0. Where `initialSavepointPath` names what to start from, nothing is said.",
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
    let Some(sign) = sign_of_state(case, view).filter(|_| said("initialSavepointPath").is_none()) else {
        return Vec::new();
    };
    let message = match sign {
        Sign::Interval => format!(
            "{what} and `{CHECKPOINT_INTERVAL}` is set, so the job has checkpoints and every upgrade starts it without them"
        ),
        Sign::Option(key) => format!(
            "{what} although `{key}` is set, so the state is meant to be kept and every upgrade starts the job without it"
        ),
    };
    let fix = "set `upgradeMode: last-state` or `savepoint`, unless the job may lose its state".to_owned();
    let mode = said("upgradeMode").map(str::to_owned);
    vec![Violation::at_field(path.key("upgradeMode"), mode, message, fix)]
}

/// What shows that the job's state is meant to be kept.
enum Sign<'a> {
    /// The interval of checkpoints.
    Interval,
    /// An option that is of use for nothing else.
    Option(&'a str),
}

/// The first thing in the configuration that shows that the state is meant to be kept. A batch job has none.
fn sign_of_state<'a>(case: &Case<'a>, view: &'a RoleView) -> Option<Sign<'a>> {
    if view.is_batch() {
        return None;
    }
    let interval = checkpoints::interval(case, view);
    if interval == Some(true) {
        return Some(Sign::Interval);
    }
    let directory = |directory| case.cluster.directory(directory).map(|(key, _)| Sign::Option(key));
    let of_checkpoints = || directory(Directory::Checkpoints).filter(|_| interval.is_none());
    let of_schedule = || SCHEDULES.into_iter().find(|key| checkpoints::schedule(view, key).is_some()).map(Sign::Option);
    let of_savepoints = || directory(Directory::Savepoints).filter(|_| case.cluster.high_availability().0.is_on());
    of_checkpoints().or_else(of_schedule).or_else(of_savepoints)
}

/// With these the operator itself triggers savepoints and checkpoints.
const SCHEDULES: [&str; 2] = [checkpoints::SAVEPOINT_SCHEDULE, checkpoints::CHECKPOINT_SCHEDULE];
