//! Whether the jobs of a cluster make checkpoints, as far as its object shows: a job may decide otherwise in its code.

use serde_json::Value;

use crate::flink::cluster::{RoleView, Shape};
use crate::flink::deployment::walk;
use crate::flink::duration::nanoseconds;
use crate::flink::options::CHECKPOINT_INTERVAL;
use crate::policy::rules::Case;

/// Whether checkpoints are on: by their interval, or by `upgradeMode: last-state`, for which the operator sets one.
///
/// Source: operator 1.15, `FlinkConfigBuilder.applyJobConfig`.
pub(super) fn are_on(case: &Case<'_>) -> bool {
    let Some(view) = case.cluster.leading().filter(|view| !is_batch(view)) else { return false };
    interval(case, view).unwrap_or_else(|| upgrade_mode(case) == Some("last-state"))
}

/// Whether state is meant to be read again: checkpoints are on, or upgrades go by savepoints.
pub(super) fn are_needed(case: &Case<'_>) -> bool {
    are_on(case)
        || (upgrade_mode(case) == Some("savepoint") && case.cluster.leading().is_some_and(|view| !is_batch(view)))
}

/// Whether the interval switches checkpoints on; `None` where it is not set, or not understood.
pub(super) fn interval(case: &Case<'_>, view: &RoleView) -> Option<bool> {
    Some(nanoseconds(view.config.value(CHECKPOINT_INTERVAL, case.cluster.version)?)? > 0)
}

/// Whether jobs run as batches, which make no checkpoints, whatever the interval.
pub(super) fn is_batch(view: &RoleView) -> bool {
    view.config.exact("execution.runtime-mode").is_some_and(|mode| mode.trimmed().eq_ignore_ascii_case("batch"))
}

/// The `upgradeMode` that a FlinkDeployment's job names.
fn upgrade_mode<'a>(case: &Case<'a>) -> Option<&'a str> {
    let Shape::FlinkDeployment { .. } = case.cluster.shape else { return None };
    walk(case.object, &case.spec().keys(&["job", "upgradeMode"])).and_then(Value::as_str).map(str::trim)
}
