//! `configuration-refused`: a `config.yaml` with which Flink does not start.

use crate::flink::config_file::Flaw;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "configuration-refused",
    failure: "C6b",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "The `config.yaml` that a standalone role reads is one that Flink refuses: it is no YAML or no map, has a second document, the same key twice in one map, or an option without a value.",
        why: "The start script ends with `Could not get JVM parameters and dynamic configurations properly` and exit code 1, at every restart, JobManager and TaskManager alike. `flink-conf.yaml`, which Flink up to 1.20 reads line by line, bore all of that: a line that it does not understand is skipped. (`GlobalConfiguration` of 1.19.3, 1.20.5, 2.0.2 and 2.3.0 and the start scripts of 1.20.5 and 2.3.0, executed.)",
        limits: "It is denied only where Flink's parser, snakeyaml-engine, is known to refuse the same: not in texts with tags, directives or unusual line ends. Where the version is not known, a shell's text starts Flink, or a custom image gets the file alone, it is a warning. Placeholders that something else replaces before the file is mounted are not known.",
        example: "kind: ConfigMap\ndata:\n  config.yaml: |\n    restart-strategy:            # no value: NullPointerException\n    jobmanager.rpc.address: a\n    jobmanager.rpc.address: b    # twice: found duplicate key",
        fix: "Correct the line that the finding names. What was appended to a `flink-conf.yaml` to override a line above it has to replace that line.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let refused = case.cluster.leading().and_then(|view| Some((view.role, view.refused.as_ref()?)));
    let known = refused.filter(|(_, refused)| !matches!(refused.refusal.flaw, Flaw::Other(_)));
    let violation = known.map(|(role, refused)| {
        let refusal = &refused.refusal;
        let effect = if refusal.certain { "so Flink refuses it and never starts" } else { "so Flink may refuse it" };
        let message = format!("line {} of `config.yaml`: {}, {effect}", refusal.line, refusal.flaw.in_words());
        let origin = format!("{}, line {}", refused.origin, refusal.line);
        let fix = refusal.flaw.remedy().to_owned();
        let violation = Violation { origin, ..Violation::at_field(refused.path.clone(), None, message, fix) };
        let violation = violation.of_role(role);
        if refusal.certain { violation } else { violation.uncertain() }
    });
    violation.into_iter().collect()
}
