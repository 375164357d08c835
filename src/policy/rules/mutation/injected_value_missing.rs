//! `injected-value-missing`: what was filled in at creation got lost in an update.

use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "injected-value-missing",
    failure: "P6",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "An UPDATE takes away the HA mode or the storageDir that was filled in when the cluster was created, and puts nothing in its place.",
        why: "The cluster would restart without HA, or look for its metadata elsewhere, and lose its jobs.",
        limits: "Our mutation puts such values back, so this is only seen where the mutation did not reach the object. To give injection up on purpose, use the annotation `flink-admission.io/inject: \"false\"`, where the policy permits it.",
        example: "kubectl replace -f cluster.yaml   # without what was filled in, while the mutating webhook is down",
        fix: "Apply it again, or set a value of your own.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let missing = |lost: &crate::inject::Lost| {
        let message = format!(
            "`{}` was filled in when the cluster was created and this update takes it away, so the cluster would restart without it and lose its jobs",
            lost.what
        );
        let fix = format!("set it to `{}` again, or to a value of your own", lost.value);
        let violation = Violation::at_field(lost.path.clone(), None, message, fix);
        if lost.is_certain { violation } else { violation.uncertain() }
    };
    case.lost.iter().map(missing).collect()
}
