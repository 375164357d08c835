//! `memory-limit-missing`: a role that Kubernetes knows no memory of.

use crate::flink::cluster::{RoleView, Shape};
use crate::flink::memory;
use crate::object::at;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "memory-limit-missing",
    failure: "D3",
    strict: Level::Warn,
    baseline: Level::Audit,
    page: Page {
        what: "The Flink container of a standalone role has neither a memory request nor a memory limit, and its pod has none either.",
        why: "The scheduler puts the pod on any node, full ones too, and when a node runs short the pod is the first to be evicted: a JobManager with its jobs, or a TaskManager with its state.",
        limits: "A LimitRange of the namespace may bring defaults when the pod is created, which is not seen. A request without a limit, or a limit without a request, is enough. In a FlinkDeployment both are made from `resource`, so only roles in pod templates of their own are judged.",
        example: "kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - {name: jobmanager, image: \"flink:1.20.1\", args: [jobmanager]}   # no resources",
        fix: "Set `resources.requests.memory` and `resources.limits.memory` to the role's process size or more.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    if case.cluster.shape != Shape::Raw {
        return Vec::new();
    }
    case.cluster.roles.iter().filter_map(|view| without(case, view)).collect()
}

fn without(case: &Case<'_>, view: &RoleView) -> Option<Violation> {
    let container = view.pod.container()?;
    let pod = at(&view.pod.template, &["spec"])?;
    let has = |owner, field| at(owner, &["resources", field, "memory"]).is_some();
    if [container, pod].into_iter().any(|owner| has(owner, "requests") || has(owner, "limits")) {
        return None;
    }
    let path = view.config_path.split_last()?.0.key("resources");
    let message = format!(
        "the {} has neither a memory request nor a limit, so Kubernetes puts it on full nodes too and evicts it first when one runs short",
        view.role
    );
    let fix = match process_size(case, view) {
        Some(bytes) => {
            let size = bytes.div_ceil(memory::MEBIBYTE);
            format!("set `requests.memory` and `limits.memory` to the process size, `{size}Mi`, or more")
        }
        None => "set `requests.memory` and `limits.memory` to the role's process size or more".to_owned(),
    };
    Some(Violation::at_field(path, None, message, fix).of_role(view.role))
}

fn process_size(case: &Case<'_>, view: &RoleView) -> Option<u64> {
    memory::size(view.config.value(memory::process::process_size(view.role), case.cluster.version)?)
}
