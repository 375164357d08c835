//! Rules on FlinkSessionJobs, and which of the others are asked of them.
//!
//! A session job is told what it brings itself: its fields, its options, and what becomes of those on the pods of its cluster.
//! What the cluster says is the cluster's.

pub(super) mod session_job_refused;
pub(super) mod session_option_without_effect;
pub(super) mod session_target_not_found;
pub(super) mod session_target_without_ha;

use crate::flink::cluster::Cluster;
use crate::policy::rules::{Rule, Violation, exposure, operations, storage, wiring};

/// The rules that are asked of session jobs.
const OF_JOBS: [&Rule; 13] = [
    &exposure::credentials_in_plain_text::RULE,
    &operations::restart_strategy_default_attempts::RULE,
    &operations::restart_strategy_off::RULE,
    &operations::upgrade_mode_stateless::RULE,
    &operations::upgrade_mode_without_directory::RULE,
    &session_job_refused::RULE,
    &session_option_without_effect::RULE,
    &session_target_not_found::RULE,
    &session_target_without_ha::RULE,
    &storage::checkpoint_directory_missing::RULE,
    &wiring::option_misspelt::RULE,
    &wiring::option_unknown_to_version::RULE,
    &wiring::shape_not_understood::RULE,
];

/// Of the directories that a job sets: whether Flink takes them as they are written.
const OF_DIRECTORIES: [&Rule; 3] = [
    &storage::storage_path_without_scheme::RULE,
    &storage::storage_uri_malformed::RULE,
    &storage::storage_uri_placeholder::RULE,
];

/// And what becomes of them on the pods of the cluster.
const ON_PODS: [&Rule; 10] = [
    &storage::filesystem_plugin_missing::RULE,
    &storage::filesystem_plugin_scheme::RULE,
    &storage::hadoop_classpath_missing::RULE,
    &storage::storage_differs_between_roles::RULE,
    &storage::storage_on_container::RULE,
    &storage::storage_on_empty_dir::RULE,
    &storage::storage_on_ephemeral_claim::RULE,
    &storage::storage_on_host_path::RULE,
    &storage::storage_on_source_less_volume::RULE,
    &storage::storage_read_only::RULE,
];

/// Whether `rule` is asked of what `cluster` is: of a cluster by itself every one is.
pub(super) fn is_asked(rule: &Rule, cluster: &Cluster) -> bool {
    let is_among = |rules: &[&Rule]| rules.iter().any(|one| one.id == rule.id);
    cluster.submission.is_none() || is_among(&OF_JOBS) || is_among(&OF_DIRECTORIES) || is_among(&ON_PODS)
}

/// What `rule` says of the object itself: the settings of a session job's cluster have no place in the job.
pub(super) fn own(rule: &Rule, cluster: &Cluster, mut violations: Vec<Violation>) -> Vec<Violation> {
    let Some(submission) = &cluster.submission else { return violations };
    violations.retain(|violation| violation.path != crate::object::FieldPath::default());
    if let Some(name) = submission.name.as_ref().filter(|_| ON_PODS.iter().any(|one| one.id == rule.id)) {
        for violation in &mut violations {
            let whose = format!("; the pods are those of FlinkDeployment `{name}`");
            violation.fix.push_str(&whose);
            if let Some(shared) = &mut violation.shared {
                shared.fix.push_str(&whose);
            }
        }
    }
    violations
}
