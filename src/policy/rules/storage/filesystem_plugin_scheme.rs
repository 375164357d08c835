//! `filesystem-plugin-scheme`: the enabled plugin of the store does not serve the scheme.

use crate::flink::plugins::{self, Choice, Plugin, RemoteDirectory};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::storage::{ends, in_words, said_once, stock_roles};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "filesystem-plugin-scheme",
    failure: "B16",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "A directory has a scheme that the plugin which `ENABLE_BUILT_IN_PLUGINS` names for its store does not serve: `s3p://` with `flink-s3-fs-hadoop`, `s3a://` with `flink-s3-fs-presto`.",
        why: "Both serve `s3://`, `s3a://` only Hadoop's, `s3p://` only Presto's. Flink ends with `Could not find a file system implementation for scheme 's3p'`.",
        limits: "Only official images and the policy's `images.stock` are judged, and only where nothing else may bring a plugin: no mount at `/opt/flink/plugins` or above it, no command of your own.",
        example: "spec:\n  image: flink:1.20.1\n  flinkConfiguration:\n    high-availability.storageDir: s3p://bucket/ha\n  podTemplate: {…}   # ENABLE_BUILT_IN_PLUGINS: flink-s3-fs-hadoop-1.20.1.jar",
        fix: "Write the scheme that the plugin serves, or name the other plugin as well; both can be enabled at once.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut done: Vec<String> = Vec::new();
    for remote in plugins::remote_directories(case.cluster) {
        let served: Vec<Plugin> = plugins::serving(&remote.scheme, case.cluster.version).collect();
        if served.is_empty() || done.contains(&remote.scheme) {
            continue;
        }
        let found: Vec<(Role, (Plugin, bool))> = stock_roles(case)
            .filter(|(view, _)| !plugins::is_left_to_hadoop(view, &remote.scheme))
            .filter_map(|(view, _)| {
                let Choice::Named(value, _) = plugins::choice(view, case.cluster.shape) else { return None };
                if plugins::jars(&value).any(|jar| jar.may_serve(&remote.scheme)) {
                    return None;
                }
                let mut of_store = plugins::jars(&value).filter(|jar| jar.is_of_store(&remote.scheme));
                of_store.find_map(|jar| jar.plugin()).map(|plugin| (view.role, (plugin, view.unknown.is_none())))
            })
            .collect();
        for (role, (plugin, is_sure)) in said_once(found) {
            let violation = violation(case, &remote, &served, plugin, role);
            violations.push(if is_sure { violation } else { violation.uncertain() });
        }
        done.push(remote.scheme);
    }
    violations
}

fn violation(
    case: &Case<'_>,
    RemoteDirectory { scheme, setting, .. }: &RemoteDirectory<'_>,
    served: &[Plugin],
    named: Plugin,
    role: Option<Role>,
) -> Violation {
    let (roles, ends) = (in_words(role), ends(case.cluster));
    let wanted: Vec<String> = served.iter().map(|plugin| format!("`{}`", plugin.name())).collect();
    let wanted = wanted.join(" or ");
    let message = format!(
        "`{scheme}://` is served by {wanted} and not by `{}`, which `{}` names in {roles}, so {ends} with `Could not find a file system implementation for scheme '{scheme}'`",
        named.name(),
        plugins::VARIABLE,
    );
    let fix = format!("add the jar of {wanted} to `{}`, or write `s3://`, which both serve", plugins::VARIABLE);
    Violation { role, ..Violation::at_setting(setting, message, fix) }
}
