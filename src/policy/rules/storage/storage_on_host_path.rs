//! `storage-on-host-path`: state on a directory of one node.

use crate::flink::pod::Source;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation, storage};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "storage-on-host-path",
    failure: "B4",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "An HA cluster keeps `high-availability.storageDir`, its checkpoints or its savepoints on a `hostPath` volume. Or a cluster without HA keeps its checkpoints or savepoints there, while checkpoints are on (`execution.checkpointing.interval`, or `upgradeMode` `savepoint` or `last-state`): that is a warning at most.",
        why: "A `hostPath` belongs to one node. A pod that moves finds another directory there, and pods on two nodes hold two halves of one checkpoint.",
        limits: "A network file system that an administrator has mounted at the same path on every node looks the same from here; lower the rule where you do that.",
        example: "spec:\n  podTemplate:\n    spec:\n      volumes:\n      - name: flink-data\n        hostPath: {path: /tmp/flink}   # behind file:///flink-data/ha",
        fix: "Use a PersistentVolumeClaim that all nodes reach (ReadWriteMany), or an object store.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    storage::dying(case, |backing| {
        let volume = storage::volume(backing)?;
        match &volume.source {
            Source::HostPath(path) => {
                Some(format!("on the `hostPath` volume `{}` (`{path}` of the node that the pod is on)", volume.name))
            }
            _ => None,
        }
    })
}
