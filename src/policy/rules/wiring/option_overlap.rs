//! `option-overlap`: a key that is a leaf and the parent of others.

use std::collections::BTreeSet;

use crate::flink::cluster::Shape;
use crate::flink::configuration::{Layer, Setting};
use crate::flink::options;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "option-overlap",
    failure: "C7",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "For Flink 2 a key is set that is a dotted prefix of another one: `high-availability` beside `high-availability.storageDir`, `restart-strategy`, `state.backend` and the like.",
        why: "Flink 2 reads a nested `config.yaml`, where one key cannot have a value and children. The operator does not deploy such a cluster: `Overlapping key prefixes detected`. Admission lets it through, the error stands in the status only. The entry point of a standalone role of 1.19 or later writes `FLINK_PROPERTIES` into that file, where the longer key is lost (executed with 1.20.5 and 2.3.0): the JobManager ends with `Configuration is missing the mandatory parameter: Key: 'high-availability.storageDir'` (executed with 2.3.0). There a comment is an option too, `#restart-strategy`, and the image's own file has `env.java.opts.all`, of which the former name `env.java.opts` is the beginning: the file is destroyed, and the role ends with `Could not parse configurations properly` (executed with 1.20.5 and 2.3.0).",
        limits: "Keys of the operator (`kubernetes.operator.*`, `job.autoscaler.*`) are not written to the file and do not count.",
        example: "spec:\n  flinkVersion: v2_0\n  flinkConfiguration:\n    high-availability: kubernetes\n    high-availability.storageDir: s3://state/ha",
        fix: "Write the current name of the shorter key: `high-availability.type`, `restart-strategy.type`, `state.backend.type`.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let (Some(version), Some(view)) = (case.cluster.version, case.cluster.leading()) else { return Vec::new() };
    let is_raw = case.cluster.shape == Shape::Raw;
    if !version.at_least(if is_raw { 1 } else { 2 }, if is_raw { 19 } else { 0 }) {
        return Vec::new();
    }
    // The options of a standalone role meet in one file where its entry point writes them there.
    let counts = |(key, setting): &(&str, &Setting)| {
        !belongs_to_operator(key) && (!is_raw || (setting.layer == Layer::Environment && view.unknown.is_none()))
    };
    // What an image of one's own has is unknown, so that nothing counts beside it.
    let of_image = is_raw && !view.config.iter().any(|(_, setting)| setting.layer == Layer::File);
    let keys: BTreeSet<String> = view
        .config
        .iter()
        .filter(counts)
        .map(|(key, _)| key.to_owned())
        .chain(of_image.then(|| OF_IMAGE.to_owned()))
        .collect();
    let overlap = |key: &str| {
        let below = format!("{key}.");
        let child = keys.range(below.clone()..).next().filter(|child| child.starts_with(&below))?;
        let setting = view.config.exact(key)?;
        let outcome = if is_raw {
            format!("and the entry point writes `FLINK_PROPERTIES` into it: `{child}` is lost, or it ends")
        } else {
            "so the operator does not deploy the cluster".to_owned()
        };
        let message = format!(
            "Flink {version} reads a nested file, in which `{key}` cannot have a value beside `{child}`, {outcome}"
        );
        let violation = match options::counterpart(key, version) {
            Some(name) => {
                let fix = format!("rename `{key}` to `{name}`");
                Violation::at_setting(setting, message, fix).settled_by_name(key, name)
            }
            None => Violation::at_setting(setting, message, format!("remove `{key}` or the keys below it")),
        };
        // Without the rest of HA Flink does not start; what another loss does is its own.
        let is_harmless = is_raw && !key.starts_with("high-availability");
        Some(if is_harmless { violation.uncertain() } else { violation })
    };
    keys.iter().filter_map(|key| overlap(key)).collect()
}

/// What the official image's own `config.yaml` has, and a former name of the option is the beginning of.
const OF_IMAGE: &str = "env.java.opts.all";

fn belongs_to_operator(key: &str) -> bool {
    key.starts_with("kubernetes.operator.") || key.starts_with("job.autoscaler.")
}
