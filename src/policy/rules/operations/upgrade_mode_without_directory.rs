//! `upgrade-mode-without-directory`: savepoints and checkpoints that upgrades need, and no place for them.

use serde_json::Value;

use crate::flink::cluster::Shape;
use crate::flink::configuration::Setting;
use crate::flink::deployment::walk;
use crate::flink::options::{CHECKPOINT_DIR, SAVEPOINT_DIR};
use crate::object::{FieldPath, at};
use crate::policy::finding::Level;
use crate::policy::rules::wiring::is_set_nowhere;
use crate::policy::rules::{Case, Page, Rule, Violation, checkpoints};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "upgrade-mode-without-directory",
    failure: "B22",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "The job of a FlinkDeployment, or a FlinkSessionJob, asks for savepoints (`upgradeMode: savepoint`, `savepointTriggerNonce`, periodic savepoints, or an age limit of checkpoints for `last-state`) and no savepoint directory is set; or its `upgradeMode` is not `stateless` and no checkpoint directory is set.",
        why: "An upgrade has nothing to start from, so the operator refuses the object: `Checkpoint directory[…] must be defined for last-state and savepoint upgrade modes`, or `… while config key[…] is not set`.",
        limits: "The operator's own configuration may set the directories for all its clusters, so this is a warning. Of a FlinkSessionJob the directories of its FlinkDeployment count too; where that is not known, nothing is said.",
        example: "spec:\n  flinkConfiguration:\n    execution.checkpointing.dir: s3://state/checkpoints   # and no savepoint directory\n  job: {jarURI: \"local:///opt/flink/usrlib/job.jar\", upgradeMode: savepoint}",
        fix: "Set `execution.checkpointing.dir` and `execution.checkpointing.savepoint-dir` (before 1.20 `state.checkpoints.dir` and `state.savepoints.dir`). A policy with `checkpoints` fills them in.",
    },
    check,
};

/// Checkpoints that are older make the operator take a savepoint. Source: operator 1.15, `KubernetesOperatorConfigOptions`.
const AGE_LIMIT: &str = "kubernetes.operator.job.upgrade.last-state.max.allowed.checkpoint.age";

/// Source: operator 1.15, `DefaultValidator.validateJobSpec`.
fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.leading().filter(|view| view.unknown.is_none() && case.cluster.shape != Shape::Raw)
    else {
        return Vec::new();
    };
    let path = case.spec().key("job");
    let Some(job) = walk(case.object, &path).filter(|job| job.is_object()) else { return Vec::new() };
    let mode = at(job, &["upgradeMode"]).and_then(Value::as_str).map_or("stateless", str::trim);
    let name = |option: &str| case.cluster.spelling(option);
    let needed = match mode {
        "savepoint" => [Some(CHECKPOINT_DIR), Some(SAVEPOINT_DIR)],
        "last-state" => [Some(CHECKPOINT_DIR), None],
        _ => [None, None],
    };
    // The operator looks at all options of a session job, whether or not they have an effect.
    let own = case.cluster.submission.as_ref().map(|submission| &submission.own);
    let is_missing =
        |option: &str| is_set_nowhere(&view.config, option) && own.is_none_or(|own| is_set_nowhere(own, option));
    let missing: Vec<&str> = needed.into_iter().flatten().filter(|option| is_missing(option)).collect();
    let names: Vec<String> = missing.iter().map(|option| format!("`{}`", name(option))).collect();
    let mut violations = Vec::new();
    if !missing.is_empty() {
        let (names, are) = (names.join(" and "), if missing.len() == 1 { "is" } else { "are" });
        let message = format!(
            "`upgradeMode` is `{mode}` and {names} {are} not set, so the operator refuses the job unless its own configuration sets what is missing"
        );
        let value = Some(mode.to_owned());
        violations.push(Violation::at_field(path.key("upgradeMode"), value, message, format!("set {names}")));
    }
    if mode == "savepoint" || !is_missing(SAVEPOINT_DIR) {
        return violations;
    }
    let asked = |key: &'static str| checkpoints::schedule(view, key).map(|setting| (key, setting));
    let option = name(SAVEPOINT_DIR);
    let fix = format!("set `{option}`");
    let end =
        format!("and `{option}` is not set, so the operator refuses the job unless its own configuration sets it");
    let nonce = at(job, &["savepointTriggerNonce"]).filter(|nonce| !nonce.is_null());
    violations.extend(if let Some(nonce) = nonce {
        let message = format!("`savepointTriggerNonce` asks for a savepoint {end}");
        Some(Violation::at_field(path.key("savepointTriggerNonce"), Some(nonce.to_string()), message, fix))
    } else {
        asked(checkpoints::SAVEPOINT_SCHEDULE)
            .or_else(|| asked(AGE_LIMIT))
            .map(|(key, setting)| asking(setting, &path, format!("`{key}` asks for savepoints {end}"), fix))
    });
    violations
}

/// At the setting, or at the job for which its cluster sets it.
fn asking(setting: &Setting, job: &FieldPath, message: String, fix: String) -> Violation {
    if setting.is_of_object() {
        Violation::at_setting(setting, message, fix)
    } else {
        Violation::at_field(job.clone(), None, message, fix)
    }
}
