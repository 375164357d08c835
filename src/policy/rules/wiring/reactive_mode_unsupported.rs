//! `reactive-mode-unsupported`: reactive mode where no JobManager starts with it.

use crate::flink::cluster::Shape;
use crate::flink::options::SCHEDULER_MODE;
use crate::policy::finding::{Level, Role};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "reactive-mode-unsupported",
    failure: "C23",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "`scheduler-mode: reactive` on a session cluster or in native mode.",
        why: "Reactive mode gives a job all TaskManagers that there are, so it is for standalone clusters of one job. Any other JobManager ends at its start: `Reactive mode is configured for an unsupported cluster type`.",
        limits: "A TaskManager by itself does not show what its JobManager runs, so only JobManagers and FlinkDeployments are judged.",
        example: "kind: FlinkDeployment\nspec:\n  flinkVersion: v1_20   # mode: native, the default\n  job: {…}\n  flinkConfiguration:\n    scheduler-mode: reactive",
        fix: "Remove the option: native mode asks for TaskManagers itself, and `jobmanager.scheduler: adaptive` with the operator's autoscaler rescales a job. Or run the job in a standalone cluster of its own: `mode: standalone`.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.role(Role::JobManager) else { return Vec::new() };
    let Some((key, setting)) = view.config.option(SCHEDULER_MODE, case.cluster.version) else { return Vec::new() };
    if !setting.trimmed().eq_ignore_ascii_case("reactive") {
        return Vec::new();
    }
    // Flink `ClusterEntrypoint.supportsReactiveMode`: overridden by `StandaloneApplicationClusterEntryPoint` alone.
    let is_native = case.cluster.shape == Shape::FlinkDeployment { standalone: false };
    let kind = match (is_native, case.cluster.application) {
        (true, _) => "in native mode",
        (false, false) => "a session cluster",
        (false, true) => return Vec::new(),
    };
    let other = if case.cluster.application {
        "set `mode: standalone`"
    } else {
        "give the job a standalone cluster of its own"
    };
    let message = format!(
        "`{key}` is `{}` and this cluster is {kind}, so the JobManager ends at its start: only standalone clusters of one job may be reactive",
        setting.trimmed()
    );
    vec![Violation::at_setting(setting, message, format!("remove `{key}`, or {other}")).of_role(view.role)]
}
