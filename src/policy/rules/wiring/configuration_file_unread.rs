//! `configuration-file-unread`: a configuration under the file name of another Flink version.

use crate::flink::cluster::RoleView;
use crate::flink::config_file::{LEGACY, STANDARD};
use crate::flink::raw::{Void, VoidReason};
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "configuration-file-unread",
    failure: "C6",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "The only configuration file that a standalone role mounts has a name that its Flink version does not read: `flink-conf.yaml` for Flink 2, `config.yaml` for Flink up to 1.18.",
        why: "Mounted as a directory it hides the image's own file and Flink does not start (`config.yaml does not exist`); mounted as a single file Flink starts with its defaults, without HA and with local state.",
        limits: "A custom image may carry a file of the right name beside one that is mounted alone; then it is a warning, as where a shell starts Flink and may write the file first. Where the version is not known nothing is said. Where the ConfigMap is not known, its `items` tell.",
        example: "image: flink:2.0.1\nvolumes:\n- name: flink-config\n  configMap: {name: flink-config}   # holds flink-conf.yaml only",
        fix: "Give the key the name that this version reads. `config.yaml` is YAML: quote what is special in it, and use no option that is the prefix of another (`high-availability.type`, not `high-availability`).",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.leading() else { return Vec::new() };
    let unread = view.void.iter().find(|void| matches!(void.reason, VoidReason::File { read: None, .. }));
    unread.and_then(|void| violation(case, view, void)).into_iter().collect()
}

fn violation(case: &Case<'_>, view: &RoleView, void: &Void) -> Option<Violation> {
    let VoidReason::File { name, hides, certain, .. } = void.reason else { return None };
    let version = case.cluster.version?;
    let wanted = if version.at_least(1, 19) { STANDARD } else { LEGACY };
    let (path, origin) = (void.path.clone(), void.origin.clone());
    let outcome = if hides {
        let effect = if certain { "does not start" } else { "may not start" };
        format!("and the mount hides the image's own `{wanted}`, so Flink {effect}")
    } else {
        "so Flink starts with the image's defaults, without what is written there".to_owned()
    };
    let message = format!("Flink {version} does not read `{name}`, {outcome}");
    let fix = format!("call the key `{wanted}`, in the syntax of that file");
    let violation = Violation { origin, ..Violation::at_field(path, Some(name.to_owned()), message, fix) };
    let is_certain = certain && (hides || view.is_stock(&case.policy.spec.images.stock));
    Some(if is_certain { violation } else { violation.uncertain() }.of_role(view.role))
}
