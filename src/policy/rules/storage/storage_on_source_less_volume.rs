//! `storage-on-source-less-volume`: state on a volume that has only a name.

use crate::flink::pod::Source;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation, storage};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "storage-on-source-less-volume",
    failure: "B3",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "An HA cluster keeps `high-availability.storageDir`, its checkpoints or its savepoints on a volume that has a name and no source. Or a cluster without HA keeps its checkpoints or savepoints there, while checkpoints are on (`execution.checkpointing.interval`, or `upgradeMode` `savepoint` or `last-state`): that is a warning at most.",
        why: "Kubernetes makes such a volume an `emptyDir`, which is deleted with the pod. In a manifest it looks like a real volume.",
        limits: "In a Deployment the API server has already filled in the `emptyDir`; there `storage-on-empty-dir` speaks.",
        example: "spec:\n  podTemplate:\n    spec:\n      volumes:\n      - name: flink-data   # no persistentVolumeClaim: an emptyDir",
        fix: "Give the volume its `persistentVolumeClaim`, or use an object store.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    storage::dying(case, |backing| {
        let volume = storage::volume(backing)?;
        (volume.source == Source::Missing)
            .then(|| format!("on the volume `{}`, which has no source and becomes an `emptyDir`", volume.name))
    })
}
