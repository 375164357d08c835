//! `restart-strategy-default-attempts`: a strategy that restarts once.

use crate::flink::defaults::RESTARTS;
use crate::flink::restart_strategy::RestartStrategy;
use crate::policy::finding::Level;
use crate::policy::rules::operations::{highly_available, restart_strategy};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "restart-strategy-default-attempts",
    failure: "C21",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "High availability is on and the restart strategy is `fixed-delay` without `restart-strategy.fixed-delay.attempts`, or `failure-rate` without `restart-strategy.failure-rate.max-failures-per-interval`.",
        why: "The default of both is one: the second failure (within the interval, for `failure-rate`) ends the job. Without any strategy, and with checkpoints on, Flink would restart without end.",
        limits: "A strategy that the job sets in its own code wins over this one; the operator's own defaults may set the number for all its clusters. Where the configuration may hold more than can be seen, nothing is said.",
        example: "spec:\n  flinkConfiguration:\n    high-availability.type: kubernetes\n    restart-strategy.type: fixed-delay",
        fix: "Set the number, remove the strategy, or use `exponential-delay`.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = highly_available(case).filter(|view| view.unknown.is_none()) else { return Vec::new() };
    let Some((strategy, key, setting)) = restart_strategy(case, view) else { return Vec::new() };
    let Some(option) = strategy.limit() else { return Vec::new() };
    let when = if strategy == RestartStrategy::FailureRate { " within the interval" } else { "" };
    if view.config.option(option, case.cluster.version).is_some() {
        return Vec::new();
    }
    let message = format!(
        "`{key}` is `{}` and `{option}` is not set, whose default is {RESTARTS}, so the second failure{when} ends the job",
        setting.trimmed()
    );
    let fix = format!("set `{option}`, or remove `{key}`");
    vec![Violation::at_setting(setting, message, fix)]
}
