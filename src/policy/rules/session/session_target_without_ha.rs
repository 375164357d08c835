//! `session-target-without-ha`: a job that wants to keep its state on a cluster that forgets its jobs.

use serde_json::Value;

use crate::facts::Answer;
use crate::flink::cluster::HighAvailability;
use crate::flink::deployment::{may_have_emr_ha, walk};
use crate::flink::session_job;
use crate::object::FieldPath;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "session-target-without-ha",
    failure: "J3",
    strict: Level::Warn,
    baseline: Level::Audit,
    page: Page {
        what: "A FlinkSessionJob with `upgradeMode: last-state` or `savepoint` is submitted to a FlinkDeployment without high availability.",
        why: "When the JobManager restarts, a cluster without HA has forgotten its jobs. The operator finds the job missing (`Job Not Found`) and does not start it again, since it does not know from which state.",
        limits: "The operator's own configuration may switch HA on for all its clusters. A job with `upgradeMode: stateless` may be started from nothing, and nothing is said of it. Where the policy requires HA, the FlinkDeployment is told instead. HA that stands in the job's own options has no effect.",
        example: "kind: FlinkSessionJob\nspec:\n  deploymentName: session   # sets no high-availability.type\n  job: {jarURI: \"https://repo.example.net/job.jar\", upgradeMode: last-state}",
        fix: "Switch HA on in the FlinkDeployment: `high-availability.type` and `high-availability.storageDir`. A policy with `highAvailability` fills them in when it is created.",
    },
    check,
};

/// Source: operator 1.15, `JobStatusObserver`.
fn check(case: &Case<'_>) -> Vec<Violation> {
    let (Some(target), Some(key)) = (case.cluster.target(), session_job::target(case.object, case.namespace)) else {
        return Vec::new();
    };
    let path = FieldPath::of(&["spec", "job", "upgradeMode"]);
    let mode = walk(case.object, &path).and_then(Value::as_str).map(str::trim);
    let Some(mode @ ("last-state" | "savepoint")) = mode else { return Vec::new() };
    let may_be_on =
        |answer: &Answer| matches!(answer, Answer::Known(it) if may_have_emr_ha(it, &FieldPath::of(&["spec"])));
    if target.high_availability().0 != HighAvailability::Off
        || case.policy.spec.high_availability.required
        || may_be_on(case.facts.answer(&key))
    {
        return Vec::new();
    }
    let name = key.name();
    let message = format!(
        "`upgradeMode` is `{mode}` and FlinkDeployment `{name}` has no HA, so a restart of its JobManager loses the job and the operator does not start it again (`Job Not Found`)"
    );
    let fix = format!("set `high-availability.type` and `high-availability.storageDir` in FlinkDeployment `{name}`");
    vec![Violation::at_field(path, Some(mode.to_owned()), message, fix)]
}
