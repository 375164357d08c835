//! `injected-value-missing`: what was filled in at creation got lost in an update.

use crate::inject::{Lost, Why};
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "injected-value-missing",
    failure: "P6",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "An UPDATE takes away the HA mode, the storageDir or an id that was filled in when the cluster was created, and puts nothing in its place. Or it moves a session JobManager to Flink 1.13 or 1.14, whose `jobmanager.sh` takes no options as arguments, or a role to a command to which none can be added.",
        why: "The cluster would restart without HA, or look for its metadata elsewhere, and lose its jobs.",
        limits: "Our mutation puts such values back, so this is only seen where the mutation did not reach the object or has no form for them. Where something that cannot be seen may bring the value, as a shell's text or a program of your own that starts Flink, it is a warning, and none where the command mentions `high-availability`. To give injection up on purpose, use the annotation `flink-admission.io/inject: \"false\"`, where the policy permits it.",
        example: "kubectl replace -f cluster.yaml   # without what was filled in, while the mutating webhook is down",
        fix: "Apply it again, or set a value of your own: in the configuration file where the version takes no arguments.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    case.lost.iter().map(missing).collect()
}

fn missing(lost: &Lost) -> Violation {
    let Lost { what, value, path, why } = lost;
    let (message, fix) = match why {
        Why::Gone | Why::Unknown => (
            format!(
                "`{what}` was filled in when the cluster was created and this update takes it away, so the cluster would restart without it and lose its jobs"
            ),
            format!("set it to `{value}` again, or to a value of your own"),
        ),
        Why::NoOptions(version) => (
            format!(
                "`{what}` was filled in as an argument, and the session JobManager of Flink {version} takes no options as arguments, so the cluster would restart without HA and lose its jobs"
            ),
            "stay on Flink 1.15 or later, or write the HA options into the configuration file of both roles first"
                .to_owned(),
        ),
        Why::Command { obstacle, subcommand } => (
            // The reason first: a warning may be cut after a few words.
            format!(
                "`{what}`, which was filled in, may be lost, since {obstacle}, and without it a restart loses the jobs"
            ),
            format!("write HA into the configuration file, or use `args: [{subcommand}]`, where it is put back"),
        ),
    };
    let violation = Violation::at_field(path.clone(), None, message, fix);
    match why {
        Why::Gone | Why::NoOptions(_) => violation,
        Why::Unknown | Why::Command { .. } => violation.uncertain(),
    }
}
