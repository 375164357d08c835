//! `standby-without-ha`: several JobManagers of a standalone cluster, and no HA.

use crate::flink::cluster::{Directory, HighAvailability, Shape};
use crate::flink::options::HA_TYPE;
use crate::flink::raw::Unknown;
use crate::policy::finding::{Level, Role};
use crate::policy::rules::wiring::{Absence, ha_mode_missing};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "standby-without-ha",
    failure: "C15",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "A Deployment, StatefulSet or Job runs more than one JobManager, and its configuration switches no HA on.",
        why: "Without leader election every JobManager is a master of its own: TaskManagers register with any of them, the web interface shows now one list of jobs and now another, and jobs are lost between them.",
        limits: "What the operator or Flink's client made is not judged: they refuse it themselves. A custom image without a mounted configuration may carry one; then it is a warning. Where the configuration cannot be read, nothing is said.",
        example: "kind: Deployment\nspec:\n  replicas: 2\n  template: {…}   # args: [jobmanager], no high-availability.type",
        fix: "Switch HA on, or run one JobManager. With `highAvailability` in the policy it is filled in.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.role(Role::JobManager).filter(|_| case.cluster.shape == Shape::Raw) else {
        return Vec::new();
    };
    let Some((number, path)) = case.cluster.job_managers.as_ref().filter(|(number, _)| *number > 1) else {
        return Vec::new();
    };
    let (mode, setting) = case.cluster.high_availability();
    let unread =
        ha_mode_missing::ignored_name(case).map(|(version, key, _)| format!("Flink {version} does not know `{key}`"));
    let (said, remedy) = match (&mode, setting, &view.unknown) {
        (HighAvailability::Off, Some((key, setting)), _) => (format!("`{key}` is `{}`", setting.trimmed()), None),
        (HighAvailability::Off, None, _) => {
            let Absence { said, fix, .. } = Absence::of(case.cluster, view, HA_TYPE);
            (unread.unwrap_or(said), fix)
        }
        (HighAvailability::Unknown, None, Some(Unknown::Elsewhere(why))) => {
            (format!("no HA can be seen ({why})"), None)
        }
        _ => return Vec::new(),
    };
    let directory = case.cluster.directory(Directory::HighAvailability);
    let and = directory.map_or_else(|| " and a storageDir".to_owned(), |(key, _)| format!(" beside `{key}`"));
    let field = path.last_key();
    let message = format!(
        "{number} JobManagers by `{field}` and {said}, so each of them is a master of its own and jobs are lost between them"
    );
    let remedy = remedy.unwrap_or_else(|| format!("switch HA on with {}{and}", case.cluster.kubernetes_ha()));
    let fix = format!("{remedy}, or set `{field}: 1`");
    let violation = Violation::at_field(path.clone(), Some(number.to_string()), message, fix).of_role(Role::JobManager);
    vec![if mode == HighAvailability::Off { violation } else { violation.uncertain() }]
}
