//! `claim-single-node-shared`: a claim for one node in several pods.

use crate::policy::finding::Level;
use crate::policy::rules::storage::claims::shared;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "claim-single-node-shared",
    failure: "B6b",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "Several pods of a cluster mount a PersistentVolumeClaim with access mode `ReadWriteOnce`, and no mode for several nodes.",
        why: "All of them must run on one node. A pod that is scheduled elsewhere hangs with `Multi-Attach error for volume`, as after the loss of that node.",
        limits: "On a single node, or with affinity to one, it works. Some storage classes attach such a volume to several nodes all the same.",
        example: "kind: PersistentVolumeClaim\nspec: {accessModes: [ReadWriteOnce]}   # mounted in JobManager and TaskManagers",
        fix: "Use a claim with `ReadWriteMany`, or an object store.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let one_node = |modes: &[String]| {
        modes.iter().any(|mode| mode == "ReadWriteOnce") && !modes.iter().any(|mode| mode == "ReadWriteMany")
    };
    let violation = |shared: super::claims::Shared| {
        let message = format!(
            "claim `{}` has access mode `ReadWriteOnce` and {} mount it, so all of them must run on one node, and a pod elsewhere never starts",
            shared.claim, shared.users
        );
        let fix = "use a claim with `ReadWriteMany`, or an object store".to_owned();
        Violation::at_field(shared.path, Some(shared.claim), message, fix)
    };
    shared(case).into_iter().filter(|shared| one_node(&shared.modes)).map(violation).collect()
}
