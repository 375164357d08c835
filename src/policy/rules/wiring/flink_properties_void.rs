//! `flink-properties-void`: options in an environment variable that nobody reads.

use crate::flink::configuration::{EffectiveConfig, Setting};
use crate::flink::raw::VoidReason;
use crate::policy::finding::Level;
use crate::policy::rules::wiring::unread::is_of_state;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "flink-properties-void",
    failure: "C5",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "Options for HA or state stand in `FLINK_PROPERTIES`, and the image's entry point cannot write them into the configuration: a ConfigMap is mounted there, or the command goes around the entry point.",
        why: "The entry point writes an error into the log and starts Flink with the file as it is. HA stays off, or state goes elsewhere, and nothing tells.",
        limits: "Options that the configuration in force holds with the same value are not reported. Images with an entry point of their own may read the variable in another way.",
        example: "env:\n- name: FLINK_PROPERTIES\n  value: \"high-availability.type: kubernetes\"\nvolumeMounts:\n- {name: flink-config, mountPath: /opt/flink/conf}",
        fix: "Write the options into the mounted ConfigMap, or give them as `-D` arguments, which work in both cases.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.leading() else { return Vec::new() };
    let of_void = |(void, why): (&EffectiveConfig, &str)| {
        let is_settled = |key: &str, setting: &Setting| {
            view.config.option(key, case.cluster.version).is_some_and(|(_, in_force)| in_force.value == setting.value)
        };
        let lost: Vec<(&str, &Setting)> =
            void.iter().filter(|(key, setting)| is_of_state(key) && !is_settled(key, setting)).collect();
        let (_, first) = lost.first()?;
        let names: Vec<String> = lost.iter().take(MOST_NAMED).map(|(key, _)| format!("`{key}`")).collect();
        let more =
            if lost.len() > MOST_NAMED { format!(" and {} more", lost.len() - MOST_NAMED) } else { String::new() };
        let have = if lost.len() == 1 { "has" } else { "have" };
        let message = format!(
            "{why}, so {}{more} in `FLINK_PROPERTIES` {have} no effect, and Flink starts without a word",
            names.join(", ")
        );
        let fix = "write them into the configuration file that is mounted, or give them as `-D` arguments".to_owned();
        let (path, _) = first.path.split_last()?;
        let violation = Violation::at_field(path, None, message, fix).of_role(view.role);
        Some(Violation { origin: "environment variable FLINK_PROPERTIES".to_owned(), ..violation })
    };
    let properties = view.void.iter().filter_map(|void| match &void.reason {
        VoidReason::Properties(why) => Some((&void.config, why.as_str())),
        VoidReason::File { .. } => None,
    });
    properties.filter_map(of_void).collect()
}

/// As many options are named as fit into a line.
const MOST_NAMED: usize = 4;
