//! `restart-strategy-off`: state for jobs that never restart.

use crate::flink::restart_strategy::RestartStrategy;
use crate::policy::finding::{Level, Role};
use crate::policy::rules::operations::{highly_available, restart_strategy};
use crate::policy::rules::{Case, Page, Rule, Violation, checkpoints};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "restart-strategy-off",
    failure: "C20",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "The restart strategy is `none`, `off` or `disable`, and high availability is on, or checkpoints are (`execution.checkpointing.interval`, or `upgradeMode: last-state`).",
        why: "HA brings back a JobManager. The loss of a TaskManager, or any error in the job, is for the restart strategy; without one the first of them ends the job for good, and its checkpoints are never used to recover.",
        limits: "Without HA it is a warning at most, and nothing is said of batches. A strategy that the job sets in its own code wins over this one. Where the configuration may hold more than can be seen, it is a warning.",
        example: "spec:\n  flinkConfiguration:\n    high-availability.type: kubernetes\n    restart-strategy.type: none",
        fix: "Remove the option: with checkpoints on, Flink restarts by itself. Or set `exponential-delay`, or `fixed-delay` with a number of attempts.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let highly_available = highly_available(case);
    let of_checkpoints = || case.cluster.role(Role::JobManager).filter(|_| checkpoints::are_on(case));
    let Some(view) = highly_available.or_else(of_checkpoints) else { return Vec::new() };
    let Some((RestartStrategy::Off, key, setting)) = restart_strategy(case, view) else { return Vec::new() };
    let on = if highly_available.is_some() { "high availability is" } else { "checkpoints are" };
    let message = format!(
        "`{key}` is `{}` although {on} on, so the first failure of a TaskManager or of the job ends the job for good",
        setting.trimmed()
    );
    let fix =
        format!("remove `{key}`, since Flink restarts by itself with checkpoints on, or set it to `exponential-delay`");
    let violation = Violation::at_setting(setting, message, fix);
    vec![if view.unknown.is_some() || highly_available.is_none() { violation.uncertain() } else { violation }]
}
