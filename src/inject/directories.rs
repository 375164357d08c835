//! Checkpoint and savepoint directories of the policy, for clusters that name none.

use crate::flink::options::{self, CHECKPOINT_DIR, SAVEPOINT_DIR};
use crate::inject::Work;
use crate::inject::high_availability::accepts_options;

/// Sets the directories that are unset under every name that the version reads.
pub(super) fn add(work: &mut Work<'_>) {
    let checkpoints = &work.target.policy.spec.checkpoints;
    for (option, wanted) in [(CHECKPOINT_DIR, &checkpoints.directory), (SAVEPOINT_DIR, &checkpoints.savepoints)] {
        let Some(value) = wanted.as_ref().and_then(|template| template.fill(&work.names()).ok()) else {
            continue;
        };
        let cluster = work.cluster();
        // What something else brings may be a directory of the author's, which ours would overrule.
        let is_free = cluster
            .leading()
            .filter(|view| view.unknown.is_none())
            .is_some_and(|view| options::names(option, None).iter().all(|name| view.config.exact(name).is_none()));
        if is_free && accepts_options(work, &cluster) {
            // A directory that this cluster's pods would lose is not filled in: its own findings say what is missing.
            let _ = work.attempt(|work| work.set_option(option, &value));
        }
    }
}
