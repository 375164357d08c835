//! `storage-on-container`: state on the container's own file system.

use crate::flink::pod::Backing;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation, storage};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "storage-on-container",
    failure: "B1",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "An HA cluster keeps `high-availability.storageDir`, its checkpoints or its savepoints on a path of the pod where no volume is mounted. Or a cluster without HA keeps its checkpoints or savepoints there, while checkpoints are on (`execution.checkpointing.interval`, or `upgradeMode` `savepoint` or `last-state`): that is a warning at most.",
        why: "The files are in the container and gone with it. A new JobManager finds the pointers in ConfigMaps or ZooKeeper, but not what they point to, and ends with exit code 239 at every restart: worse than no HA.",
        limits: "A path without a scheme counts only where `fs.default-scheme` is local or unset. Placeholders, mounts with `subPathExpr` and volumes that are not in the template are unknown and pass.",
        example: "spec:\n  flinkConfiguration:\n    high-availability.type: kubernetes\n    high-availability.storageDir: file:///flink-data/ha   # nothing is mounted at /flink-data",
        fix: "Mount a PersistentVolumeClaim at the path in the pod template, let the policy's `volumes` do it, or use an object store.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    storage::dying(case, |backing| {
        matches!(backing, Backing::Container)
            .then(|| "on the container's own file system (no volume is mounted there)".to_owned())
    })
}
