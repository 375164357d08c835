//! `checkpoint-directory-missing`: checkpoints that stay in the JobManager's memory.

use crate::flink::cluster::Directory;
use crate::flink::duration::nanoseconds;
use crate::flink::options::{CHECKPOINT_DIR, CHECKPOINT_INTERVAL};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::operations::upgrade_mode_without_directory;
use crate::policy::rules::storage::task_managers_write;
use crate::policy::rules::wiring::is_set_nowhere;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "checkpoint-directory-missing",
    failure: "B21",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "The configuration switches checkpoints on (`execution.checkpointing.interval`) and sets no directory for them (`execution.checkpointing.dir`, before 1.20 `state.checkpoints.dir`).",
        why: "Without a directory a checkpoint is kept in the memory of the JobManager. It is gone with that process, with HA too, so the job starts from its beginning; and state above 5 MB a task (`MemCheckpointStreamFactory`) fails the checkpoint.",
        limits: "A job may set a directory in its own code, and the operator's configuration may set it for all its clusters, so this is a warning. Where the storage `jobmanager` is chosen by name, or the configuration may hold more than can be seen, nothing is said.",
        example: "spec:\n  flinkConfiguration:\n    execution.checkpointing.interval: 1 min   # and no execution.checkpointing.dir",
        fix: "Set `execution.checkpointing.dir` to a directory that outlives pods, as in `s3://state/checkpoints`. A policy with `checkpoints` fills it in.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let cluster = case.cluster;
    let Some(view) = cluster.role(Role::JobManager).filter(|view| view.unknown.is_none()) else { return Vec::new() };
    let Some((_, setting)) = view.config.option(CHECKPOINT_INTERVAL, cluster.version) else { return Vec::new() };
    let is_on = !matches!(nanoseconds(&setting.value, case.cluster.version), Some(0) | None);
    if !is_on
        || !is_set_nowhere(&view.config, CHECKPOINT_DIR)
        || !task_managers_write(cluster, Directory::Checkpoints)
        // One cause is one finding.
        || case.is_said_by(&upgrade_mode_without_directory::RULE, &RULE)
    {
        return Vec::new();
    }
    let name = cluster.spelling(CHECKPOINT_DIR);
    let message = format!(
        "checkpoints have no directory, `{name}` is not set, so they stay in the JobManager's memory and are gone with it"
    );
    let fix = format!("set `{name}` to a directory that outlives pods, as in `s3://<bucket>/checkpoints`");
    vec![Violation::at_setting(setting, message, fix)]
}
