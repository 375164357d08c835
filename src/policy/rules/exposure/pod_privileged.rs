//! `pod-privileged`: a Flink pod that has its node in its hands.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::flink::cluster::{RoleView, Shape};
use crate::flink::deployment::walk;
use crate::object::{FieldPath, at, list, name};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::{Case, MOST_FINDINGS, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "pod-privileged",
    failure: "E5",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "A container of a Flink pod is privileged, sidecars and init containers included, or the pod shares the network or the processes of its node.",
        why: "Flink runs the code that it is given, by anybody who reaches its ports. In a privileged container that code has the devices and the kernel of the node, and by them every pod there. On the network of the node the RPC, blob and REST ports, none of which asks who is calling, are open on the node's own address.",
        limits: "Single capabilities, `hostPath` volumes and root users are for Pod Security Admission. Native mode takes the network from `kubernetes.hostnetwork.enabled` and from nowhere else, so `hostNetwork` in a pod template is without effect there, and nothing is said.",
        example: "spec:\n  taskManager:\n    podTemplate:\n      spec:\n        initContainers:\n        - name: sysctl\n          image: busybox:1.37\n          securityContext: {privileged: true}",
        fix: "Remove the field. Give a single capability in place of all of them, and let a DaemonSet tune nodes.",
    },
    check,
};

const HOST_NETWORK: &str = "kubernetes.hostnetwork.enabled";

fn check(case: &Case<'_>) -> Vec<Violation> {
    let of_role =
        |view| containers(case, view).take(MOST_FINDINGS).chain(processes(case, view)).chain(network(case, view));
    // What stands in the common template is in both pods and is said once.
    let mut said = BTreeSet::new();
    let found = case.cluster.roles.iter().flat_map(of_role);
    found.filter(|violation| said.insert(violation.path.clone())).collect()
}

fn containers<'a>(case: &'a Case<'_>, view: &'a RoleView) -> impl Iterator<Item = Violation> {
    [("containers", "container"), ("initContainers", "init container")].into_iter().flat_map(move |(field, kind)| {
        list(&view.pod.template, &["spec", field]).iter().enumerate().filter(|(_, it)| is_privileged(it)).map(
            move |(position, container)| {
                let called = name(container).unwrap_or_default();
                let message = format!(
                    "{kind} `{called}` of the {} is privileged, so whoever brings code into it has the devices and the kernel of the node, and by them every pod there",
                    view.role
                );
                let fix = "remove `privileged: true`, or give the one capability that it needs".to_owned();
                let path = element(case, view.role, field, called, position).keys(&PRIVILEGED);
                Violation::at_field(path, Some("true".to_owned()), message, fix).of_role(view.role)
            },
        )
    })
}

const PRIVILEGED: [&str; 2] = ["securityContext", "privileged"];

fn is_privileged(container: &Value) -> bool {
    at(container, &PRIVILEGED) == Some(&Value::Bool(true))
}

/// Where the privileged container called `called` stands, which is at `position` of the merged list.
fn element(case: &Case<'_>, role: Role, field: &str, called: &str, position: usize) -> FieldPath {
    let templates = case.templates(role);
    let of = |template: &FieldPath| {
        let path = template.keys(&["spec", field]);
        let elements = walk(case.object, &path)?.as_array()?;
        let is_it = |element: &Value| is_privileged(element) && name(element).is_none_or(|name| name == called);
        Some(path.index(elements.iter().position(is_it)?))
    };
    let found = templates.iter().find_map(of);
    found.unwrap_or_else(|| templates.last().cloned().unwrap_or_default().keys(&["spec", field]).index(position))
}

fn processes(case: &Case<'_>, view: &RoleView) -> Option<Violation> {
    let path = pod_field(case, view, "hostPID")?;
    let message = format!(
        "the {} shares the processes of its node (`hostPID`), so its code sees the command lines and the environment of other pods, and may end them",
        view.role
    );
    Some(Violation::at_field(path, Some("true".to_owned()), message, "remove `hostPID`".to_owned()).of_role(view.role))
}

/// Source: Flink `InitJobManagerDecorator` and `InitTaskManagerDecorator`, 1.15 to 2.3: the option is written over the
/// template's field. The operator's standalone mode uses the first of them, and for TaskManagers the template as it is.
fn network(case: &Case<'_>, view: &RoleView) -> Option<Violation> {
    let is_by_option = match case.cluster.shape {
        Shape::Raw => false,
        Shape::FlinkDeployment { standalone } => !standalone || view.role == Role::JobManager,
    };
    let message = format!(
        "the {} is on the network of its node (`hostNetwork`), so its ports, none of which asks who is calling, are open on the node's own address",
        view.role
    );
    if is_by_option {
        let setting = view.config.exact(HOST_NETWORK)?;
        let is_on = setting.trimmed().eq_ignore_ascii_case("true");
        let fix = format!("remove `{HOST_NETWORK}`");
        return is_on.then(|| Violation::at_setting(setting, message, fix).of_role(view.role));
    }
    let path = pod_field(case, view, "hostNetwork")?;
    let fix = "remove `hostNetwork`, and let a Service lead to the ports".to_owned();
    Some(Violation::at_field(path, Some("true".to_owned()), message, fix).of_role(view.role))
}

/// Where `field` of the pod of `view` is true.
fn pod_field(case: &Case<'_>, view: &RoleView, field: &str) -> Option<FieldPath> {
    let is_true = |value: Option<&Value>| value == Some(&Value::Bool(true));
    if !is_true(at(&view.pod.template, &["spec", field])) {
        return None;
    }
    let paths = case.templates(view.role).into_iter().map(|template| template.key("spec").key(field));
    paths.into_iter().find(|path| is_true(walk(case.object, path)))
}
