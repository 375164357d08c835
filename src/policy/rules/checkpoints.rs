//! Whether the jobs of a cluster make checkpoints, as far as its object shows: a job may decide otherwise in its code.

use serde_json::Value;

use crate::flink::cluster::{RoleView, Shape};
use crate::flink::configuration::Setting;
use crate::flink::deployment::walk;
use crate::flink::duration::nanoseconds;
use crate::flink::options::CHECKPOINT_INTERVAL;
use crate::policy::rules::Case;

/// Whether checkpoints are on: by their interval, or by `upgradeMode: last-state`, for which the operator sets one.
///
/// Source: operator 1.15, `FlinkConfigBuilder.applyJobConfig`.
pub(super) fn are_on(case: &Case<'_>) -> bool {
    let Some(view) = case.cluster.leading().filter(|view| !view.is_batch()) else { return false };
    interval(case, view).unwrap_or_else(|| upgrade_mode(case) == Some("last-state"))
}

/// Whether state is meant to be read again: checkpoints are on, or upgrades go by savepoints.
pub(super) fn are_needed(case: &Case<'_>) -> bool {
    are_on(case)
        || (upgrade_mode(case) == Some("savepoint") && case.cluster.leading().is_some_and(|view| !view.is_batch()))
}

/// Whether the interval switches checkpoints on; `None` where it is not set, or not understood.
pub(super) fn interval(case: &Case<'_>, view: &RoleView) -> Option<bool> {
    let version = case.cluster.version;
    Some(nanoseconds(view.config.value(CHECKPOINT_INTERVAL, version)?, version)? > 0)
}

/// The operator's schedule of savepoints, and that of checkpoints. Source: operator 1.15, `KubernetesOperatorConfigOptions`.
pub(super) const SAVEPOINT_SCHEDULE: &str = "kubernetes.operator.periodic.savepoint.interval";
pub(super) const CHECKPOINT_SCHEDULE: &str = "kubernetes.operator.periodic.checkpoint.interval";

/// The setting of `key`, a length of time or a schedule of the operator's; `None` where it is blank or of no length, which
/// switches it off. A schedule may be a cron expression.
pub(super) fn schedule<'a>(view: &'a RoleView, key: &str) -> Option<&'a Setting> {
    let setting = view.config.exact(key)?;
    (!setting.trimmed().is_empty() && nanoseconds(&setting.value, None) != Some(0)).then_some(setting)
}

/// The `upgradeMode` that a FlinkDeployment's job names.
fn upgrade_mode<'a>(case: &Case<'a>) -> Option<&'a str> {
    let Shape::FlinkDeployment { .. } = case.cluster.shape else { return None };
    walk(case.object, &case.spec().keys(&["job", "upgradeMode"])).and_then(Value::as_str).map(str::trim)
}
