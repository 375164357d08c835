//! `ha-off`: a cluster that lives as long as its JobManager.

use crate::flink::cluster::{HighAvailability, Shape};
use crate::flink::deployment::may_have_emr_ha;
use crate::flink::options::HA_TYPE;
use crate::policy::finding::{Level, Role};
use crate::policy::rules::mutation::{ha_not_added, ha_required};
use crate::policy::rules::wiring::{
    ha_arguments_without_ha, ha_mode_missing, ha_mode_misspelt, standby_without_ha, standby_without_ha_in_resource,
};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "ha-off",
    failure: "C25",
    strict: Level::Audit,
    baseline: Level::Audit,
    page: Page {
        what: "High availability is off: the configuration sets no `high-availability.type`, or `NONE`.",
        why: "What a JobManager knows of its jobs is in its memory. When its pod restarts or moves, all jobs of a session are gone; a job of an application starts from its beginning or from the savepoint that it was deployed with, whatever checkpoints it has made since. Executed with 2.3.0: the JobManager's pod lost, the next one answers `{\"jobs\":[]}`.",
        limits: "The operator's own defaults may switch HA on for all its clusters, and a cluster of short or repeatable jobs may need none, so this is a remark and no more. Of batches nothing is said, nor where the configuration may hold more than can be seen, nor where another finding says that HA is missing, half there or required.",
        example: "kind: FlinkDeployment\nspec:\n  flinkConfiguration: {}   # no high-availability.type",
        fix: "Set `high-availability.type: kubernetes` and a `high-availability.storageDir` that outlives pods. With `highAvailability` in the policy it is filled in.",
    },
    check,
};

/// The rules that speak of the same cause, with more to say.
const OTHERS: [&Rule; 7] = [
    &ha_required::RULE,
    &ha_not_added::RULE,
    &ha_mode_missing::RULE,
    &ha_mode_misspelt::RULE,
    &standby_without_ha::RULE,
    &standby_without_ha_in_resource::RULE,
    &ha_arguments_without_ha::RULE,
];

fn check(case: &Case<'_>) -> Vec<Violation> {
    let cluster = case.cluster;
    let Some(view) = cluster.role(Role::JobManager).filter(|view| view.unknown.is_none()) else { return Vec::new() };
    let (HighAvailability::Off, setting) = cluster.high_availability() else { return Vec::new() };
    if view.is_batch()
        || may_have_emr_ha(case.object, &case.spec())
        || OTHERS.iter().any(|other| case.is_said_by(other, &RULE))
    {
        return Vec::new();
    }
    let name = cluster.spelling(HA_TYPE);
    let said = match setting {
        Some((key, setting)) => format!("`{key}` is `{}`", setting.trimmed()),
        None => format!("`{name}` is not set"),
    };
    let loss = if cluster.application {
        "starts the job from its beginning, or from the savepoint that it was deployed with"
    } else {
        "loses all jobs of the session"
    };
    let unless = match cluster.shape {
        Shape::FlinkDeployment { .. } => ", unless the operator's own defaults switch it on",
        Shape::Raw => "",
    };
    let message = format!("high availability is off ({said}), so a restart of the JobManager {loss}{unless}");
    let mode = cluster.kubernetes_ha();
    let fix = format!("set {mode} and `high-availability.storageDir`, unless the jobs may be lost");
    vec![match setting {
        Some((_, setting)) => Violation::at_setting(setting, message, fix),
        None => Violation::at_field(view.config_path.key(name), None, message, fix),
    }]
}
