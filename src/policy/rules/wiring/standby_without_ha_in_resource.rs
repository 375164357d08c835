//! `standby-without-ha-in-resource`: several JobManagers, and no HA in the FlinkDeployment.

use crate::flink::cluster::{HighAvailability, Shape};
use crate::flink::deployment::may_have_emr_ha;
use crate::flink::options::{HA_STORAGE_DIR, HA_TYPE};
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "standby-without-ha-in-resource",
    failure: "C15b",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "A FlinkDeployment asks for more than one JobManager and switches no HA on.",
        why: "Without leader election every JobManager is a master of its own: TaskManagers register with any of them, and jobs are lost between them. The operator refuses it: `High availability should be enabled when starting standby JobManagers.`",
        limits: "The operator's own defaults may switch HA on for all its clusters; that is why the baseline only warns.",
        example: "spec:\n  jobManager:\n    replicas: 2\n  flinkConfiguration: {}   # no high-availability.type",
        fix: "Switch HA on, or set `jobManager.replicas: 1`. With `highAvailability` in the policy it is filled in.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Shape::FlinkDeployment { .. } = case.cluster.shape else { return Vec::new() };
    let (mode, setting) = case.cluster.high_availability();
    let Some((number, path)) = case.cluster.job_managers.as_ref().filter(|(number, _)| *number > 1) else {
        return Vec::new();
    };
    if mode != HighAvailability::Off || may_have_emr_ha(case.object, &case.spec()) {
        return Vec::new();
    }
    let said = setting.map_or_else(|| "is not set".to_owned(), |(_, setting)| format!("is `{}`", setting.value.trim()));
    let name = case.cluster.spelling(HA_TYPE);
    let message = format!(
        "there are {number} JobManagers and `{name}` {said}, so the operator refuses the FlinkDeployment, unless its own defaults switch HA on"
    );
    let fix = format!(
        "set `{name}: {}` and `{HA_STORAGE_DIR}`, or one replica",
        HighAvailability::kubernetes_word(case.cluster.version)
    );
    vec![Violation::at_field(path.clone(), Some(number.to_string()), message, fix)]
}
