//! `session-target-not-found`: a session job whose cluster is not there.

use crate::flink::session_job::Target;
use crate::object::FieldPath;
use crate::policy::finding::Level;
use crate::policy::rules::session::session_job_refused;
use crate::policy::rules::{Case, Page, Rule, Violation, missing};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "session-target-not-found",
    failure: "J2",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "A FlinkSessionJob names a FlinkDeployment that does not exist in its namespace, or not yet.",
        why: "The operator waits without an error: the job is not submitted until a FlinkDeployment of that name is there and ready. It looks in the job's own namespace only.",
        limits: "It may be applied a moment later. Offline it is missing only where the input holds other FlinkDeployments.",
        example: "kind: FlinkSessionJob\nmetadata: {name: word-count, namespace: shop}\nspec:\n  deploymentName: session   # it is in another namespace",
        fix: "Create the FlinkDeployment in the namespace of the job, or name one that is there.",
    },
    check,
};

/// Source: operator 1.15, `SessionJobReconciler.sessionClusterReady`, `EventSourceUtils`.
fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(submission) = case.cluster.submission.as_ref() else { return Vec::new() };
    let (Some(name), Target::Absent) = (&submission.name, &submission.target) else { return Vec::new() };
    // One cause is one finding.
    if !session_job_refused::is_name(name) {
        return Vec::new();
    }
    let message = format!(
        "FlinkDeployment `{name}` does not exist (yet), and until it does and is ready the job is not submitted"
    );
    let fix = format!("create it in namespace `{}`, or name a FlinkDeployment that is there", case.namespace);
    let fix = missing::or_made_elsewhere(case, fix);
    vec![Violation::at_field(FieldPath::of(&["spec", "deploymentName"]), Some(name.clone()), message, fix)]
}
