//! `storage-on-empty-dir`: state on an `emptyDir`.

use crate::flink::pod::Source;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation, storage};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "storage-on-empty-dir",
    failure: "B2",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "An HA cluster keeps `high-availability.storageDir`, its checkpoints or its savepoints on an `emptyDir` volume. Or a cluster without HA keeps its checkpoints or savepoints there, while checkpoints are on (`execution.checkpointing.interval`, or `upgradeMode` `savepoint` or `last-state`): that is a warning at most.",
        why: "An `emptyDir` survives a restart of its container but is deleted with the pod: a node drain or a roll-out loses the jobs, and each JobManager has one of its own. The ConfigMap or ZooKeeper still points to what is gone, so the next JobManager ends with `Could not retrieve submitted ExecutionPlan from state handle`, exit code 239, at each start (executed with 2.3.0).",
        limits: "Only the volume behind the longest matching mount counts, so working files on an `emptyDir` below a claim are fine.",
        example: "spec:\n  podTemplate:\n    spec:\n      volumes:\n      - name: flink-data\n        emptyDir: {}   # behind high-availability.storageDir: file:///flink-data/ha",
        fix: "Replace the `emptyDir` by a PersistentVolumeClaim, or use an object store.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    storage::dying(case, |backing| {
        let volume = storage::volume(backing)?;
        match volume.source {
            Source::EmptyDir { memory: true } => {
                Some(format!("on the `emptyDir` volume `{}` (in memory)", volume.name))
            }
            Source::EmptyDir { memory: false } => Some(format!("on the `emptyDir` volume `{}`", volume.name)),
            _ => None,
        }
    })
}
