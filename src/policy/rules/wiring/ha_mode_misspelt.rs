//! `ha-mode-misspelt`: an HA mode that is none, and cannot be a class either.

use crate::flink::cluster::{HighAvailability, KUBERNETES_FACTORY, Shape};
use crate::flink::config_file::trim;
use crate::flink::location::without_quotes;
use crate::flink::options::HA_TYPE;
use crate::flink::spelling::is_within;
use crate::flink::version::FlinkVersion;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation, with_blanks_shown};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "ha-mode-misspelt",
    failure: "C8b",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "The HA mode is none that Flink knows and no name of a class either: `kubernets`, `\"kubernetes\"` with quotes that are part of the value, a blank.",
        why: "Whatever is not `NONE`, `ZooKeeper` or `kubernetes` Flink takes for the name of a factory class: it counts as HA everywhere, in the operator too, and JobManager and TaskManagers end with `Could not instantiate class '\"kubernetes\"'`. `flink-conf.yaml` is lines of text and no YAML, so quotes belong to the value there. Executed with 1.20.5 and 2.3.0.",
        limits: "A name with a dot may be a class of the image's own and passes, unless it is Flink's own factory but for a letter or two, which is a warning. So is a word without a dot that looks like no mode, since a class may stand in no package. Nothing is denied where the configuration may hold more than can be seen.",
        example: "kind: ConfigMap\ndata:\n  flink-conf.yaml: |\n    high-availability.type: \"kubernetes\"",
        fix: "Write `kubernetes` (up to Flink 1.15 the class that `ha-mode-short-name` names), `zookeeper` or `NONE`, in `flink-conf.yaml` without quotes.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let (HighAvailability::Class(value), Some((key, setting))) = case.cluster.high_availability() else {
        return Vec::new();
    };
    let version = case.cluster.version;
    // The operator writes `flink-conf.yaml` for Flink 1, where blanks are trimmed and an empty value is a line that is skipped.
    let is_of_lines = matches!(case.cluster.shape, Shape::FlinkDeployment { .. })
        && version.is_none_or(|version| !version.at_least(2, 0));
    if is_of_lines && !matches!(HighAvailability::of(trim(&value)), HighAvailability::Class(_)) {
        return Vec::new();
    }
    let Some(doubt) = doubt(&value) else { return Vec::new() };
    // The new name is only read by versions that know the short value.
    let short =
        HighAvailability::kubernetes_word(version.or_else(|| (key == HA_TYPE).then_some(FlinkVersion::new(1, 17))));
    let meant = meant(&value).map(|mode| match mode {
        Mode::Kubernetes => short,
        Mode::ZooKeeper => "zookeeper",
        Mode::Off => "NONE",
    });
    let quoted = if without_quotes(trim(&value)).is_some() { " with quotes that are part of it" } else { "" };
    let effect = match doubt {
        Doubt::Impossible | Doubt::Near if trim(&value).is_empty() && is_of_lines => {
            "which is no mode, so the cluster has no HA or does not start"
        }
        Doubt::Impossible | Doubt::Near => {
            "which Flink takes for the name of a class and does not find, so the cluster does not start"
        }
        Doubt::NearClass => {
            "which is not quite the name of Flink's own factory, and where no such class is the cluster does not start"
        }
        Doubt::Simple => "which is no mode, and where no class of that name is the cluster does not start",
    };
    let said = if value.is_empty() { "blank".to_owned() } else { format!("`{}`{quoted}", with_blanks_shown(&value)) };
    let message = format!("`{key}` is {said}, {effect}");
    let fix = match meant {
        Some(meant) => format!("set `{key}: {meant}`"),
        None => format!("set `{key}` to `{short}`, `zookeeper` or `NONE`"),
    };
    let violation = Violation::at_setting(setting, message, fix);
    let violation = match meant {
        Some(meant) => violation.settled_by_value(meant),
        None => violation,
    };
    let is_whole = case.cluster.leading().is_some_and(|view| view.unknown.is_none());
    let is_certain = matches!(doubt, Doubt::Impossible | Doubt::Near) && !(trim(&value).is_empty() && is_of_lines);
    vec![if is_certain && is_whole { violation } else { violation.uncertain() }]
}

/// Why a value is no class.
#[derive(Clone, Copy)]
enum Doubt {
    /// It cannot be the name of one.
    Impossible,
    /// It is a mode but for a letter or two.
    Near,
    /// It is Flink's own factory but for a letter or two.
    NearClass,
    /// It is a name without a package.
    Simple,
}

fn doubt(value: &str) -> Option<Doubt> {
    let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let is_segment = |part: &str| {
        part.chars().all(is_of_name) && part.starts_with(|first: char| is_of_name(first) && !first.is_numeric())
    };
    if !value.split('.').all(is_segment) {
        return Some(Doubt::Impossible);
    }
    if !value.contains('.') {
        return Some(if meant(value).is_some() { Doubt::Near } else { Doubt::Simple });
    }
    meant(value).map(|_| Doubt::NearClass)
}

/// A mode that was meant.
enum Mode {
    Kubernetes,
    ZooKeeper,
    Off,
}

fn meant(value: &str) -> Option<Mode> {
    let bare = trim(value);
    let bare = trim(without_quotes(bare).unwrap_or(bare)).to_ascii_lowercase();
    let is_near = |mode: &str, edits| is_within(bare.as_bytes(), mode.as_bytes(), edits);
    if is_near("kubernetes", 2) || is_near("k8s", 0) || is_near(&KUBERNETES_FACTORY.to_ascii_lowercase(), 2) {
        return Some(Mode::Kubernetes);
    }
    if is_near("zookeeper", 2) {
        return Some(Mode::ZooKeeper);
    }
    (is_near("none", 1) || is_near("standalone", 0)).then_some(Mode::Off)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_may_have_any_name_that_a_class_can_have() {
        for (value, expected) in [
            ("\"kubernetes\"", "impossible"),
            ("'zookeeper'", "impossible"),
            (" kubernetes", "impossible"),
            ("", "impossible"),
            ("kubernetes-ha", "impossible"),
            ("com.acme.", "impossible"),
            ("com.1acme.Ha", "impossible"),
            ("kubernets", "near"),
            ("Kubernetes1", "near"),
            ("zookeper", "near"),
            ("non", "near"),
            ("filesystem", "simple"),
            ("AcmeHaFactory", "simple"),
            ("org.apache.flink.kubernetes.highavailability.KubernetesHAServicesFactory", "near class"),
            ("com.acme.flink.HaServicesFactory", "none"),
            ("com.acme.Outer$Factory", "none"),
        ] {
            let word = match doubt(value) {
                Some(Doubt::Impossible) => "impossible",
                Some(Doubt::Near) => "near",
                Some(Doubt::NearClass) => "near class",
                Some(Doubt::Simple) => "simple",
                None => "none",
            };
            assert_eq!(word, expected, "{value}");
        }
    }
}
