//! `restart-strategy-off`: HA for jobs that never restart.

use crate::policy::finding::Level;
use crate::policy::rules::operations::{RestartStrategy, highly_available, restart_strategy};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "restart-strategy-off",
    failure: "C20",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "High availability is on and the restart strategy is `none`, `off` or `disable`.",
        why: "HA brings back a JobManager. The loss of a TaskManager, or any error in the job, is for the restart strategy; without one the first of them ends the job for good.",
        limits: "A strategy that the job sets in its own code wins over this one. Where the configuration may hold more than can be seen, it is a warning.",
        example: "spec:\n  flinkConfiguration:\n    high-availability.type: kubernetes\n    restart-strategy.type: none",
        fix: "Remove the option: with checkpoints on, Flink restarts by itself. Or set `exponential-delay`, or `fixed-delay` with a number of attempts.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = highly_available(case) else { return Vec::new() };
    let Some((RestartStrategy::Off, key, setting)) = restart_strategy(case, view) else { return Vec::new() };
    let message = format!(
        "`{key}` is `{}` although high availability is on, so the first failure of a TaskManager or of the job ends the job for good",
        setting.trimmed()
    );
    let fix =
        format!("remove `{key}`, since Flink restarts by itself with checkpoints on, or set it to `exponential-delay`");
    let violation = Violation::at_setting(setting, message, fix);
    vec![if view.unknown.is_some() { violation.uncertain() } else { violation }]
}
