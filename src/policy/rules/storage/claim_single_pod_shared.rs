//! `claim-single-pod-shared`: a claim for one pod in several.

use crate::policy::finding::Level;
use crate::policy::rules::storage::claims::shared;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "claim-single-pod-shared",
    failure: "B6",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "Several pods of a cluster mount a PersistentVolumeClaim whose only access mode is `ReadWriteOncePod`.",
        why: "Kubernetes lets one pod use such a claim. All others stay `Pending`, so TaskManagers or standby JobManagers never start.",
        limits: "The claim must be known: offline from the input, in the webhook from the cluster. Pods of a standalone role's other half are only seen offline. Claims that the policy mounts are the platform's choice.",
        example: "kind: PersistentVolumeClaim\nspec: {accessModes: [ReadWriteOncePod]}   # mounted in spec.podTemplate",
        fix: "Use a claim with `ReadWriteMany`, or an object store.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let only_one = |modes: &[String]| !modes.is_empty() && modes.iter().all(|mode| mode == "ReadWriteOncePod");
    let violation = |shared: super::claims::Shared| {
        let message = format!(
            "claim `{}` has access mode `ReadWriteOncePod` and {} mount it, so only one pod starts and the others wait for ever",
            shared.claim, shared.users
        );
        let fix = "use a claim with `ReadWriteMany`, or an object store".to_owned();
        Violation::at_field(shared.path, Some(shared.claim), message, fix)
    };
    shared(case).into_iter().filter(|shared| only_one(&shared.modes)).map(violation).collect()
}
