//! `ha-required`: the policy wants HA on every cluster.

use crate::flink::cluster::{HighAvailability, Shape};
use crate::flink::configuration::Setting;
use crate::flink::deployment::may_have_emr_ha;
use crate::flink::options::HA_TYPE;
use crate::flink::raw::Unknown;
use crate::inject::Shortfall;
use crate::policy::HaMode;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "ha-required",
    failure: "P2",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "The policy says `highAvailability.required: true`, and the cluster has no HA or says `NONE`. Where it cannot be seen whether it has any, that is a warning.",
        why: "The platform team has decided that a cluster without HA is not worth running: one restart of its JobManager loses all jobs.",
        limits: "The operator's own defaults may switch HA on for all its clusters; then say so in the resource too.",
        example: "spec:\n  flinkConfiguration:\n    high-availability.type: NONE",
        fix: "Switch HA on with a mode and a storageDir; with `highAvailability.mode` in the policy it is filled in when a cluster is created. For one that was there before, `flink-admission render` completes the manifests.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let (mode, setting) = case.cluster.high_availability();
    if case.policy.spec.high_availability.required && mode == HighAvailability::Unknown {
        return undecided(case, setting).into_iter().collect();
    }
    if !case.policy.spec.high_availability.required
        || mode != HighAvailability::Off
        || may_have_emr_ha(case.object, &case.spec())
    {
        return Vec::new();
    }
    let name = case.cluster.spelling(HA_TYPE);
    let wanted = case.policy.spec.high_availability.mode;
    let mode = match wanted {
        Some(HaMode::Zookeeper) => format!("`{name}: {}`", HaMode::Zookeeper.word()),
        Some(HaMode::Kubernetes) | None => case.cluster.kubernetes_ha(),
    };
    let fix = format!("set {mode} and `high-availability.storageDir`");
    if let Some((_, setting)) = setting {
        let message = format!(
            "this is `{}` and the policy `{}` requires HA, without which a restart of the JobManager loses all jobs",
            setting.trimmed(),
            case.policy.name
        );
        return vec![Violation::at_setting(setting, message, fix)];
    }
    let Some(view) = case.cluster.leading() else { return Vec::new() };
    // A standalone role needs ids, an address and an account beside it, and one that was there before the policy got none.
    let is_filled_in = wanted.is_some() && case.policy.may_change() && case.shortfalls.is_empty();
    let fix = if case.cluster.shape == Shape::Raw && is_filled_in {
        "apply what `flink-admission render` makes of both roles' manifests".to_owned()
    } else {
        fix
    };
    let message = format!(
        "the policy `{}` requires HA and the cluster has none, so a restart of its JobManager loses all jobs",
        case.policy.name
    );
    vec![Violation::at_field(view.config_path.key(name), None, message, fix)]
}

/// It cannot be known whether the cluster has HA.
fn undecided(case: &Case<'_>, setting: Option<(&str, &Setting)>) -> Option<Violation> {
    let said = |why: &str| {
        format!(
            "the policy `{}` requires HA, and whether the cluster has it cannot be decided: {why}",
            case.policy.name
        )
    };
    if let Some((key, setting)) = setting {
        let why = format!("`{key}` is `{}`, which something else fills in", setting.trimmed());
        let fix = "write the mode, so that it can be seen".to_owned();
        return Some(Violation::at_setting(setting, said(&why), fix).uncertain());
    }
    let view = case.cluster.leading()?;
    // What HA could not be added to says so itself; and what its maker configures is judged where that is written.
    let is_said = case.shortfalls.iter().any(|shortfall| matches!(shortfall, Shortfall::HighAvailability { .. }));
    let why = view.unknown.as_ref().filter(|why| !is_said && **why != Unknown::Maker)?;
    let fix = "give the HA options where they can be seen, as arguments or in a ConfigMap that it mounts".to_owned();
    Some(Violation::at_field(view.config_path.clone(), None, said(why.in_words()), fix).uncertain())
}
