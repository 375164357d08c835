//! `storage-per-replica`: shared state on a disk that each replica has for itself.

use crate::flink::cluster::Directory;
use crate::flink::pod::Source;
use crate::policy::finding::{Level, Role};
use crate::policy::rules::{Case, Page, Rule, Violation, storage};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "storage-per-replica",
    failure: "B27",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "The `high-availability.storageDir` of several JobManagers, or a checkpoint directory, lies on a StatefulSet's `volumeClaimTemplates`.",
        why: "Each pod of a StatefulSet gets a claim of its own. A standby JobManager does not find what the leader wrote, and the halves of a checkpoint lie on different disks.",
        limits: "Without HA only checkpoints and savepoints are judged, where checkpoints are on, and it is a warning at most. One JobManager that keeps its HA metadata on its own claim is fine, since the claim follows the pod.",
        example: "kind: StatefulSet\nspec:\n  replicas: 2\n  volumeClaimTemplates:\n  - metadata: {name: flink-data}   # behind high-availability.storageDir",
        fix: "Mount one ReadWriteMany claim in all pods, or use an object store.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(need) = storage::Need::of(case) else { return Vec::new() };
    let several = case.cluster.job_managers.as_ref().is_some_and(|(number, _)| *number > 1);
    let per_replica = |placement: storage::Placement<'_>| {
        let (role, volume) = placement.backings.iter().find_map(|(role, backing)| {
            storage::volume(backing)
                .filter(|volume| matches!(volume.source, Source::ClaimTemplate(_)))
                .map(|v| (*role, v))
        })?;
        if placement.directory == Directory::HighAvailability && !(several && role == Role::JobManager) {
            return None;
        }
        let message = format!(
            "`{}` is on `{}` of `volumeClaimTemplates`, so each {role} has a disk of its own and does not see the {} of the others",
            placement.setting.trimmed(),
            volume.name,
            placement.directory.content(),
        );
        let fix = format!("mount one ReadWriteMany claim at `{}` in all pods, or use an object store", placement.path);
        Some(need.weigh(placement.violation(role, message, fix)))
    };
    let placements = storage::placements(case.cluster).into_iter();
    placements.filter(|placement| need.reads(placement.directory)).filter_map(per_replica).collect()
}
