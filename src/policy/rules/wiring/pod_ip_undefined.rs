//! `pod-ip-undefined`: an address that Flink gets as the text `$(POD_IP)`.

use serde_json::Value;

use crate::flink::cluster::{RoleView, Shape};
use crate::flink::configuration::Setting;
use crate::flink::options::JOBMANAGER_ADDRESS;
use crate::flink::raw::Unknown;
use crate::flink::variables::{Variable, references, variable};
use crate::object::{list, name, named};
use crate::policy::finding::Level;
use crate::policy::rules::wiring::has_references;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "pod-ip-undefined",
    failure: "C17",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "The arguments of a standalone role use `$(POD_IP)`, or its address another `$(NAME)`, and the Flink container does not define that variable.",
        why: "Kubernetes leaves a name that it does not know as it is written: Flink gets the text `$(POD_IP)` for an address, and does not start or cannot be reached.",
        limits: "`envFrom` may bring the variable, and so may a Service (`…_SERVICE_HOST`); then nothing is said. The text of a shell is not judged. In a configuration file nothing is replaced at all; since a tool may do so before, that is a warning.",
        example: "containers:\n- name: jobmanager\n  args: [jobmanager, $(POD_IP)]\n- name: exporter\n  env: [{name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]   # not Flink's container",
        fix: "Define it in the Flink container, by `fieldRef` to `status.podIP`; the completing remedy does so for `POD_IP`.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some(view) = case.cluster.leading().filter(|_| case.cluster.shape == Shape::Raw) else { return Vec::new() };
    let Some(container) = view.pod.container() else { return Vec::new() };
    let address = view.config.exact(JOBMANAGER_ADDRESS);
    if let Some(setting) = address.filter(|it| it.origin.starts_with("ConfigMap") && has_references(&it.value)) {
        return in_file(view, setting).into_iter().collect();
    }
    let arguments = view.config.iter().filter(|(_, setting)| setting.origin.starts_with("argument"));
    // The address first: one missing variable is one cause.
    let (addresses, others): (Vec<_>, Vec<_>) = arguments.partition(|(key, _)| *key == JOBMANAGER_ADDRESS);
    let missing = addresses.iter().chain(&others).find_map(|(key, setting)| {
        let mut names = references(&setting.value).filter(|name| *key == JOBMANAGER_ADDRESS || *name == "POD_IP");
        Some((key, setting, names.find(|name| variable(container, name) == Variable::Undefined)?))
    });
    missing.map(|(key, setting, wanted)| in_argument(view, container, (key, setting), wanted)).into_iter().collect()
}

fn in_argument(view: &RoleView, container: &Value, (key, setting): (&str, &Setting), wanted: &str) -> Violation {
    let own = name(container).unwrap_or_default();
    let others = list(&view.pod.template, &["spec", "containers"]);
    let elsewhere = others.iter().filter_map(name).find(|other| {
        *other != own && named(others, other).is_some_and(|(_, other)| named(list(other, &["env"]), wanted).is_some())
    });
    let only = elsewhere.map(|other| format!(", only in that of `{other}`")).unwrap_or_default();
    let message = format!(
        "`{wanted}` is not in the environment of the container `{own}`{only}, so `{key}` is the text `$({wanted})` and no address"
    );
    let field = if wanted.contains("IP") { "status.podIP" } else { "the field that is meant" };
    let field = if field.starts_with("status") { format!("`{field}`") } else { field.to_owned() };
    let fix = format!("define `{wanted}` in the `env` of `{own}`, by `fieldRef` to {field}");
    Violation::at_field(setting.path.clone(), Some(format!("$({wanted})")), message, fix).of_role(view.role)
}

/// A reference in a file, where it stays a text whatever the container defines.
fn in_file(view: &RoleView, setting: &Setting) -> Option<Violation> {
    if matches!(view.unknown, Some(Unknown::LookUp(_) | Unknown::Elsewhere(_))) {
        return None;
    }
    let message = format!(
        "this is `{}` in a file, where Kubernetes replaces no variables, so Flink takes the text for an address",
        setting.value.trim()
    );
    let fix = format!("give it as an argument: `-D {JOBMANAGER_ADDRESS}=$(POD_IP)`");
    Some(Violation::at_setting(setting, message, fix).of_role(view.role).uncertain())
}
