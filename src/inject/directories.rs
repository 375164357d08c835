//! Checkpoint and savepoint directories of the policy, for clusters that name none.

use crate::flink::options::{self, CHECKPOINT_DIR, SAVEPOINT_DIR};
use crate::inject::Work;

/// Sets the directories that are unset under every name that the version reads.
pub(super) fn add(work: &mut Work<'_>) {
    let checkpoints = &work.target.policy.spec.checkpoints;
    for (option, wanted) in [(CHECKPOINT_DIR, &checkpoints.directory), (SAVEPOINT_DIR, &checkpoints.savepoints)] {
        let Some(value) = wanted.as_ref().and_then(|template| template.fill(&work.names()).ok()) else {
            continue;
        };
        let cluster = work.cluster();
        let is_set = cluster
            .leading()
            .is_some_and(|view| options::names(option, None).iter().any(|name| view.config.exact(name).is_some()));
        if !is_set {
            // A directory that this cluster's pods would lose is not filled in: its own findings say what is missing.
            let _ = work.attempt(|work| work.set_option(option, &value));
        }
    }
}
