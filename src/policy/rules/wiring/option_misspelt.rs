//! `option-misspelt`: an option that no Flink version knows.

use crate::flink::cluster::{HighAvailability, RoleView, Shape};
use crate::flink::configuration::Setting;
use crate::flink::options::{self, KUBERNETES_CLUSTER_ID, KUBERNETES_NAMESPACE, RESTART_STRATEGY};
use crate::flink::session_job;
use crate::flink::spelling;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "option-misspelt",
    failure: "C10",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "A key is set that no Flink version knows and that looks like an option of HA, state or checkpoints: other separators (`high-availability-storageDir`), another case, a letter too many or too few (`state.checkpoint.dir`), or a name that is easily believed in (`high-availability.kubernetes.cluster-id`, `restart-strategy.exponential-delay.multiplier`).",
        why: "Flink ignores what it does not know, without a word: the cluster runs without the directory or the mode that its author thinks is set.",
        limits: "Only keys near to options of HA, state and checkpoints, `kubernetes.cluster-id` and `kubernetes.namespace` are judged, and with a warning those below `restart-strategy.`, where no others than Flink's are read unless the strategy is a class of one's own; a program, a plugin or a reporter may have keys of its own. A key without Flink's prefix (`storageDir`) may be the program's, and is a warning. Where the right name is set to the same value, nothing is lost and nothing is said. At most twenty keys of one object are reported. Values are not shown, since the key is not known.",
        example: "spec:\n  flinkConfiguration:\n    state.checkpoint.dir: s3://state/checkpoints   # state.checkpoints.dir",
        fix: "Write the name that the finding says.",
    },
    check,
};

/// So many findings say enough.
const MOST: usize = 20;

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.leading() else { return Vec::new() };
    let misspelt = |(key, setting): (&str, &Setting)| {
        known(case, view, key, setting)
            .or_else(|| invented(case, key, setting))
            .or_else(|| of_restart_strategy(case, view, key, setting))
    };
    // A comment in `FLINK_PROPERTIES` is an option from 1.19 on, and meant for none.
    let counts = |(key, setting): &(&str, &Setting)| setting.is_of_object() && !key.starts_with('#');
    view.config.iter().filter(counts).filter_map(misspelt).take(MOST).collect()
}

/// A key that looks like a known option.
fn known(case: &Case<'_>, view: &RoleView, key: &str, setting: &Setting) -> Option<Violation> {
    let near = spelling::meant(key)?;
    // In a session job neither name has an effect.
    if case.cluster.submission.is_some() && session_job::lack(near.name, None).is_some() {
        return None;
    }
    let version = case.cluster.version;
    let name = options::name_in(near.name, version);
    let right = options::names(name, version).iter().find_map(|name| view.config.exact(name));
    if right.is_some_and(|right| near.bare || right.value.trim() == setting.trimmed()) {
        return None;
    }
    let message =
        format!("no Flink version knows `{key}`, which looks like `{name}`, and it is ignored without a word");
    let by_operator = matches!(name, KUBERNETES_CLUSTER_ID | KUBERNETES_NAMESPACE) && case.cluster.shape != Shape::Raw;
    let violation = if by_operator {
        violation(setting, message, format!("remove it; the operator sets `{name}` itself"))
    } else {
        violation(setting, message, format!("write `{name}` instead")).settled_by_name(key, name)
    };
    let may_be_known = version.is_some_and(options::is_beyond);
    Some(if near.bare || may_be_known { violation.uncertain() } else { violation })
}

/// A key in the room of Kubernetes HA that looks like nothing.
fn invented(case: &Case<'_>, key: &str, setting: &Setting) -> Option<Violation> {
    let has_own_factory = matches!(case.cluster.high_availability().0, HighAvailability::Class(_));
    if has_own_factory || !spelling::is_of_kubernetes_ha(key) || spelling::meant(key).is_some() {
        return None;
    }
    let message = format!("no Flink version knows `{key}`, and it is ignored without a word");
    Some(violation(setting, message, "remove it, or write the option that was meant".to_owned()).uncertain())
}

/// A key in the room of restart strategies, whose names are a closed set.
fn of_restart_strategy(case: &Case<'_>, view: &RoleView, key: &str, setting: &Setting) -> Option<Violation> {
    let meant = spelling::of_restart_strategy(key)?;
    let version = case.cluster.version;
    // A strategy of one's own is named by its class, and may read what it likes.
    let has_own = view.config.value(RESTART_STRATEGY, version).is_some_and(|strategy| strategy.contains('.'));
    let is_set = |name: &str| options::names(name, version).iter().any(|name| view.config.exact(name).is_some());
    if has_own || meant.is_some_and(is_set) {
        return None;
    }
    let is_read = |name: &&'static str| version.is_none_or(|version| options::is_read_by(name, version));
    let message = format!("no Flink version knows `{key}`, and it is ignored without a word");
    Some(match meant.filter(is_read) {
        Some(name) => {
            violation(setting, message, format!("write `{name}` instead")).settled_by_name(key, name).uncertain()
        }
        None => violation(setting, message, "remove it, or write the option that was meant".to_owned()).uncertain(),
    })
}

fn violation(setting: &Setting, message: String, fix: String) -> Violation {
    Violation { value: None, ..Violation::at_setting(setting, message, fix) }
}
