//! `session-job-refused`: a session job that the operator does not take.

use crate::flink::session_job::Target;
use crate::object::{FieldPath, at};
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "session-job-refused",
    failure: "J1",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "A FlinkSessionJob names a FlinkDeployment that runs a job of its own (`spec.job` is set there), or one of a name that the operator refuses, or none; or it has no `job`.",
        why: "The operator does not submit it: `Can not submit session job to application cluster`, `The job spec should not be empty`. Where the operator's own webhook is not installed, the object is stored and the error stands in its status.",
        limits: "The FlinkDeployment is looked up by its name in the job's namespace; where it is not known, nothing is said of it. An object that has neither a `jarURI` nor a `deploymentName` is taken for a part of one. What else the operator refuses depends on its version and its configuration, such as the schemes of `jarURI`.",
        example: "kind: FlinkSessionJob\nspec:\n  deploymentName: orders   # a FlinkDeployment with `job`\n  job: {jarURI: \"https://repo.example.net/job.jar\"}",
        fix: "Name a FlinkDeployment without `job`. One that had a job cannot become a session cluster: make another.",
    },
    check,
};

/// Source: operator 1.15, `DefaultValidator.validateSessionJob`.
fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(submission) = &case.cluster.submission else { return Vec::new() };
    let spec = FieldPath::of(&["spec"]);
    let is_set = |keys: &[&str]| at(case.object, keys).is_some_and(|value| !value.is_null());
    let mut violations = Vec::new();
    let mut refused = |field: &str, value: Option<&str>, message: String, fix: &str| {
        let value = value.map(str::to_owned);
        violations.push(Violation::at_field(spec.key(field), value, message, fix.to_owned()));
    };
    match &submission.name {
        Some(name) if !is_name(name) => refused(
            "deploymentName",
            Some(name),
            "this is no name that the operator takes for a FlinkDeployment, so it does not submit the job".to_owned(),
            "write the name of a FlinkDeployment: up to 45 lower-case letters, digits and `-`, a letter first",
        ),
        Some(name) if matches!(submission.target, Target::Application) => refused(
            "deploymentName",
            Some(name),
            format!(
                "FlinkDeployment `{name}` runs a job of its own, so the operator does not submit another one to it (`Can not submit session job to application cluster`)"
            ),
            "name a FlinkDeployment without `job`",
        ),
        None if is_set(&["spec", "job", "jarURI"]) && !is_set(&["spec", "deploymentName"]) => refused(
            "deploymentName",
            None,
            "no FlinkDeployment is named, so there is no cluster to which the job could be submitted".to_owned(),
            "write the name of a FlinkDeployment without `job`",
        ),
        Some(_) | None => {}
    }
    if submission.name.is_some() && !is_set(&["spec", "job"]) {
        let message = "`job` is not set, so the operator refuses the object (`The job spec should not be empty`)";
        refused("job", None, message.to_owned(), "set `job` with its `jarURI`");
    }
    violations
}

/// Source: operator 1.15, `DefaultValidator.DEPLOYMENT_NAME_PATTERN`.
pub(super) fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let is_inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    bytes.len() <= 45
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.iter().all(is_inner)
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_the_operator_reads_them() {
        for name in ["a", "a-1", "orders", &"a".repeat(45)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "1a", "-a", "a-", "A", "a.b", "a_b", " a", "ä", &"a".repeat(46)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
