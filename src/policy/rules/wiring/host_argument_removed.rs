//! `host-argument-removed`: a host that Flink 2 takes for the job's own argument.

use crate::flink::arguments::{Fate, Misread};
use crate::flink::cluster::Shape;
use crate::policy::finding::{Level, Role};
use crate::policy::rules::{Case, Page, Rule, Violation};
use crate::workload::recognise;

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "host-argument-removed",
    failure: "C3",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "A JobManager of Flink 2 is started with `--host`, or `standalone-job` with a host as its first word.",
        why: "Flink 2.0 has removed the option. `standalone-job` stops reading options there: the address, and whatever follows, `--job-classname` included, become arguments of the job, and the JobManager does not start it. `jobmanager.sh` takes `--host` itself for the name of the host.",
        limits: "Nothing is said where the version is unknown. A host behind `jobmanager` without `--host` works in every version. A Deployment that the operator made is only warned about.",
        example: "args: [standalone-job, --host, $(POD_IP), --job-classname, com.example.Main]   # flink:2.0",
        fix: "Write `-Djobmanager.rpc.address=$(POD_IP)` right behind `standalone-job`, which Flink 1.13 to 2.3 understand.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.role(Role::JobManager).filter(|_| case.cluster.shape == Shape::Raw) else {
        return Vec::new();
    };
    let Some(version) = case.cluster.version.filter(|version| version.at_least(2, 0)) else { return Vec::new() };
    let Some((word, path)) = view.misread.iter().find(|(word, _)| is_host(word)) else { return Vec::new() };
    let (effect, fix) = if word.fate == Fate::Program {
        ("so the JobManager gets neither this address nor the options behind it", "right behind `standalone-job`")
    } else {
        ("so the JobManager gets another address than the one that is meant", "as two words behind `jobmanager`")
    };
    let message = format!("Flink {version} has no `--host` any more: {}, {effect}", word.in_words());
    // The operator up to 1.15 writes it itself (FLINK-38795), and would write it again.
    let is_made = recognise(case.object).is_some_and(|workload| workload.made_by.is_some());
    let fix = if is_made {
        "use `mode: native` in the FlinkDeployment, or an operator that has FLINK-38795".to_owned()
    } else {
        let form = if case.cluster.application { "-Djobmanager" } else { "-D jobmanager" };
        format!("write `{form}.rpc.address=$(POD_IP)` instead, {fix}")
    };
    let violation = Violation::at_field(path.clone(), Some(word.word.clone()), message, fix).of_role(Role::JobManager);
    vec![if is_made { violation.uncertain() } else { violation }]
}

/// Whether the word is one that gave the host in Flink 1.
pub(super) fn is_host(word: &Misread) -> bool {
    matches!(word.word.as_str(), "--host" | "-h") || (word.fate == Fate::Program && word.option.is_none())
}
