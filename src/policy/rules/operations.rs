//! Rules on how a cluster lives on: memory, restarts, checkpoints at all.

pub(super) mod flink_deployment_refused;
pub(super) mod ha_off;
pub(super) mod ha_without_checkpoints;
pub(super) mod image_tag_mutable;
pub(super) mod job_backoff_limit;
pub(super) mod jobmanagers_not_spread;
pub(super) mod jobmanagers_too_few;
pub(super) mod leader_election_intervals;
pub(super) mod liveness_probe_harmful;
pub(super) mod memory_above_limit;
pub(super) mod memory_limit_missing;
pub(super) mod memory_too_small;
pub(super) mod resource_null;
pub(super) mod restart_strategy_default_attempts;
pub(super) mod restart_strategy_off;
pub(super) mod roles_in_one_pod;
pub(super) mod rolling_update_two_jobmanagers;
pub(super) mod upgrade_mode_stateless;
pub(super) mod upgrade_mode_without_directory;

use crate::flink::cluster::RoleView;
use crate::flink::configuration::Setting;
use crate::flink::options::RESTART_STRATEGY;
use crate::flink::restart_strategy::RestartStrategy;
use crate::policy::finding::Role;
use crate::policy::rules::Case;

/// The view of the JobManager where HA is known to be on.
fn highly_available<'a>(case: &Case<'a>) -> Option<&'a RoleView> {
    case.cluster.role(Role::JobManager).filter(|_| case.cluster.high_availability().0.is_on())
}

/// The restart strategy that `view` sets and Flink takes: its kind, the key and the setting.
fn restart_strategy<'a>(case: &Case<'a>, view: &'a RoleView) -> Option<(RestartStrategy, &'a str, &'a Setting)> {
    let (key, setting) = view.config.option(RESTART_STRATEGY, case.cluster.version)?;
    Some((RestartStrategy::of(setting.trimmed())?, key, setting))
}
