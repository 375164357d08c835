//! `rolling-update-two-jobmanagers`: a roll-out that starts the new JobManager before the old one has gone.

use serde_json::Value;

use crate::facts::{Answer, FactKey};
use crate::flink::cluster::{HighAvailability, RoleView, Shape};
use crate::flink::pod;
use crate::flink::raw::Unknown;
use crate::object::{at, list, text};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "rolling-update-two-jobmanagers",
    failure: "B7",
    strict: Level::Warn,
    baseline: Level::Audit,
    page: Page {
        what: "The Deployment of a JobManager is rolled out with `RollingUpdate`, which is the default, and HA is off, or its pods mount a PersistentVolumeClaim for one node or one pod.",
        why: "`RollingUpdate` starts the new pod first and stops the old one when the new one is ready. Without HA both are masters for a while, and TaskManagers register with the one or the other. With a claim for one node the new pod may wait on another node for the volume that the old one keeps, and the roll-out hangs.",
        limits: "With `maxSurge: 0` the old pod is told to stop first, and nothing is said. Several JobManagers without HA are another rule's. Whether HA is off, and what a claim's access modes are, must be known. On a single node, or with affinity to one, a claim for one node does no harm.",
        example: "kind: Deployment\nspec:\n  replicas: 1   # and no strategy, with HA off\n  template:\n    spec:\n      containers:\n      - {name: jobmanager, image: \"flink:1.20.1\", args: [jobmanager]}",
        fix: "Set `strategy: {type: Recreate}` on the JobManager's Deployment.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let is_deployment = case.cluster.shape == Shape::Raw && text(case.object, &["kind"]) == Some("Deployment");
    let Some(view) = case.cluster.role(Role::JobManager).filter(|_| is_deployment && rolls(case.object)) else {
        return Vec::new();
    };
    let number = case.cluster.job_managers.as_ref().map_or(1, |(number, _)| *number);
    // What Flink or its operator made has the strategy that they gave it.
    if number < 1 || matches!(view.unknown, Some(Unknown::Maker)) {
        return Vec::new();
    }
    let is_alone = number == 1 && case.cluster.high_availability().0 == HighAvailability::Off;
    let why = if is_alone {
        "HA is off, so a roll-out runs two JobManagers at once, each a master of its own, and TaskManagers register with either"
            .to_owned()
    } else {
        let Some((claim, mode)) = bound_claim(case, view) else { return Vec::new() };
        format!(
            "claim `{claim}` has access mode `{mode}`, so in a roll-out the new pod may wait for ever for the volume that the old one keeps"
        )
    };
    let kind = text(case.object, &["spec", "strategy", "type"]);
    let said =
        if kind.is_some() { "the strategy is `RollingUpdate`" } else { "the strategy is `RollingUpdate` by default" };
    let message = format!("{said} and {why}");
    let path = crate::object::FieldPath::of(&["spec", "strategy", "type"]);
    let fix = "set `strategy: {type: Recreate}`".to_owned();
    vec![Violation::at_field(path, kind.map(str::to_owned), message, fix).of_role(view.role)]
}

/// Whether a roll-out of `deployment` starts new pods beside the old ones.
fn rolls(deployment: &Value) -> bool {
    let is_rolling = text(deployment, &["spec", "strategy", "type"]).is_none_or(|kind| kind == "RollingUpdate");
    let surge = at(deployment, &["spec", "strategy", "rollingUpdate", "maxSurge"]);
    is_rolling && surge.is_none_or(|surge| *surge != 0 && *surge != "0%" && *surge != "0")
}

/// A claim of the pods that only one node, or one pod, may use; with its access mode.
fn bound_claim<'a>(case: &Case<'a>, view: &'a RoleView) -> Option<(&'a str, &'a str)> {
    pod::claims(&view.pod.template).into_iter().find_map(|name| {
        let key = FactKey::Claim { namespace: case.namespace.to_owned(), name: name.to_owned() };
        let Answer::Known(claim) = case.facts.answer(&key) else { return None };
        let modes: Vec<&str> = list(claim, &["spec", "accessModes"]).iter().filter_map(Value::as_str).collect();
        let is_bound = |mode: &&&str| matches!(**mode, "ReadWriteOnce" | "ReadWriteOncePod");
        // Where a mode for several nodes is among them, the volume may have been made for that.
        let mode = modes.iter().find(is_bound).filter(|_| modes.iter().all(|mode| is_bound(&mode)))?;
        Some((name, *mode))
    })
}
