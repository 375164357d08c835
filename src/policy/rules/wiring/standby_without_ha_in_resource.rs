//! `standby-without-ha-in-resource`: several JobManagers, and no HA in the FlinkDeployment.

use crate::flink::cluster::{Directory, HighAvailability, Shape};
use crate::flink::deployment::may_have_emr_ha;
use crate::flink::options::{HA_STORAGE_DIR, HA_TYPE};
use crate::policy::finding::Level;
use crate::policy::rules::wiring::ha_mode_missing;
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
        limits: "The operator's own defaults may switch HA on for all its clusters; that is why the baseline only warns. Of the mode under a name that this version ignores, which the operator takes for HA, `ha-mode-missing` speaks.",
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
    // The operator takes a name that only newer versions read for HA, and does not refuse this.
    if ha_mode_missing::ignored_name(case).is_some() {
        return Vec::new();
    }
    let said = setting.map_or_else(|| "is not set".to_owned(), |(_, setting)| format!("is `{}`", setting.trimmed()));
    let name = case.cluster.spelling(HA_TYPE);
    let (although, and) = match case.cluster.directory(Directory::HighAvailability) {
        Some((key, _)) => (format!(" although `{key}` is"), String::new()),
        None => (String::new(), format!(" and `{HA_STORAGE_DIR}`")),
    };
    let message = format!(
        "there are {number} JobManagers and `{name}` {said}{although}, so the operator refuses the FlinkDeployment, unless its own defaults switch HA on"
    );
    let fix = format!("set {}{and}, or one replica", case.cluster.kubernetes_ha());
    vec![Violation::at_field(path.clone(), Some(number.to_string()), message, fix)]
}
