//! `memory-above-limit`: a process larger than its container.

use crate::flink::cluster::{RoleView, Shape};
use crate::flink::memory;
use crate::object::at;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "memory-above-limit",
    failure: "D1",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "`jobmanager.memory.process.size` or `taskmanager.memory.process.size` is above the memory limit of the Flink container.",
        why: "Flink sizes heap, direct memory and metaspace so that they fill the process size. The kernel kills the container when it passes its limit (`OOMKilled`), at first under load, then again and again.",
        limits: "In a FlinkDeployment the limit is made from the process size and cannot be below it, so only roles in pod templates of their own are judged. A limit that a LimitRange sets is not seen. Sizes that Flink or Kubernetes would refuse are left to them. Where the configuration may hold more than can be seen, it is a warning.",
        example: "kind: Deployment   # flink-conf.yaml: jobmanager.memory.process.size: 4096m\nspec:\n  template:\n    spec:\n      containers:\n      - args: [jobmanager]\n        resources: {limits: {memory: 3Gi}}",
        fix: "Raise the limit to the process size or more, or lower the process size. `1g` to Flink is `1Gi` to Kubernetes, and `1600m` to Kubernetes is 1.6 bytes.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    // Native mode and the operator set the limit to process size times a factor of at least 1, whatever the pod template
    // says (Flink `KubernetesUtils.getResourceRequirements`, `KubernetesJobManagerParameters`).
    if case.cluster.shape != Shape::Raw {
        return Vec::new();
    }
    case.cluster.roles.iter().filter_map(|view| larger(case, view)).collect()
}

fn larger(case: &Case<'_>, view: &RoleView) -> Option<Violation> {
    let (key, setting) = view.config.option(memory::process::process_size(view.role), case.cluster.version)?;
    let process = memory::size(&setting.value)?;
    let written = at(view.pod.container()?, &["resources", "limits", "memory"])?;
    let limit = memory::quantity(written)?;
    // To the kubelet a limit of 0 is none.
    if process <= limit || limit == 0 {
        return None;
    }
    let text = written.as_str().map_or_else(|| written.to_string(), |text| text.trim().to_owned());
    let message = format!(
        "`{key}` is `{}` ({}) and the container's memory limit is `{text}` ({}), so the {} is killed (`OOMKilled`) when it uses what it was given",
        setting.trimmed(),
        memory::words(process),
        memory::words(limit),
        view.role
    );
    let fix = format!(
        "set `resources.limits.memory` to `{}Mi` or more, or `{key}` to the limit or less",
        process.div_ceil(memory::MEBIBYTE)
    );
    let violation = Violation::at_setting(setting, message, fix).of_role(view.role);
    Some(if view.unknown.is_some() { violation.uncertain() } else { violation })
}
