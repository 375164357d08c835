//! `storage-read-only`: state where nothing can be written.

use crate::flink::pod::Source;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation, storage};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "storage-read-only",
    failure: "B12",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "`high-availability.storageDir`, the checkpoint or the savepoint directory of an HA cluster, or without HA of one whose checkpoints are on, lies on a read-only mount, a read-only claim, or a ConfigMap, Secret, projected or downward API volume.",
        why: "The first write fails: the JobManager does not become leader, and no checkpoint completes.",
        limits: "Without HA it is a warning at most. File permissions and read-only exports behind a writable mount cannot be seen from here.",
        example: "spec:\n  podTemplate:\n    spec:\n      containers:\n      - name: flink-main-container\n        volumeMounts:\n        - {name: flink-data, mountPath: /flink-data, readOnly: true}",
        fix: "Remove `readOnly: true`, or mount a writable volume at the path.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(need) = storage::Need::of(case) else { return Vec::new() };
    let read_only = |placement: storage::Placement<'_>| {
        let (role, what) = placement.backings.iter().find_map(|(role, backing)| {
            let volume = storage::volume(backing)?;
            let what = match &volume.source {
                Source::ReadOnly(kind) => format!("on the `{kind}` volume `{}`, which cannot be written", volume.name),
                _ if volume.read_only => {
                    format!("on the volume `{}`, which is read-only at `{}`", volume.name, volume.mount_path)
                }
                _ => return None,
            };
            Some((*role, what))
        })?;
        let message = format!(
            "in the {role} `{}` is {what}, so the first write of {} fails",
            placement.setting.trimmed(),
            placement.directory.content(),
        );
        let fix = format!("mount a writable volume at `{}`", placement.path);
        Some(need.weigh(placement.violation(role, message, fix)))
    };
    let placements = storage::placements(case.cluster).into_iter();
    placements.filter(|placement| need.reads(placement.directory)).filter_map(read_only).collect()
}
