//! `storage-on-ephemeral-claim`: state on a claim that is made for one pod.

use crate::flink::pod::Source;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation, storage};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "storage-on-ephemeral-claim",
    failure: "B28",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "An HA cluster keeps `high-availability.storageDir`, its checkpoints or its savepoints on a generic ephemeral volume (`ephemeral.volumeClaimTemplate`). Or a cluster without HA keeps its checkpoints or savepoints there, while checkpoints are on (`execution.checkpointing.interval`, or `upgradeMode` `savepoint` or `last-state`): that is a warning at most.",
        why: "Kubernetes makes the claim for one pod and deletes it with the pod, so it is as short-lived as an `emptyDir`.",
        limits: "None: the source of the volume says it all.",
        example: "spec:\n  podTemplate:\n    spec:\n      volumes:\n      - name: flink-data\n        ephemeral: {volumeClaimTemplate: {spec: {…}}}",
        fix: "Name a PersistentVolumeClaim of its own with `persistentVolumeClaim.claimName`, or use an object store.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    storage::dying(case, |backing| {
        let volume = storage::volume(backing)?;
        (volume.source == Source::Ephemeral)
            .then(|| format!("on the generic ephemeral volume `{}`, whose claim dies with its pod", volume.name))
    })
}
