//! `pod-ip-undefined`: an address that Flink gets as the text `$(POD_IP)`.

use serde_json::Value;

use crate::flink::cluster::{RoleView, Shape};
use crate::flink::configuration::{Layer, Setting};
use crate::flink::deployment::walk;
use crate::flink::options::JOBMANAGER_ADDRESS;
use crate::flink::raw::{Environment, Variable, references};
use crate::object::{list, name, named};
use crate::policy::finding::Level;
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
    let address = view.config.exact(JOBMANAGER_ADDRESS).filter(|_| view.unknown.is_none());
    let of_file = |setting: &&Setting| setting.layer == Layer::File && references(&setting.value).next().is_some();
    if let Some(setting) = address.filter(of_file) {
        return vec![in_file(view, setting)];
    }
    let environment = Environment::of(container);
    let is_missing = |name: &str| {
        // Kubernetes adds variables of the Services of the namespace.
        let is_of_service = name.contains("_SERVICE_") || name.contains("_PORT");
        !is_of_service && environment.variable(name) == Variable::Unset
    };
    let missing = |(key, setting): (&'_ str, &'_ Setting)| {
        // As it is written: in the value a reference that was none, `$$(POD_IP)`, looks like one.
        let word = walk(case.object, &setting.path).and_then(Value::as_str)?;
        let counts = |name: &&str| key == JOBMANAGER_ADDRESS || *name == POD_IP;
        references(word).filter(counts).find(|name| is_missing(name)).map(str::to_owned)
    };
    let is_misread = |setting: &Setting| view.misread.iter().any(|(_, path)| *path == setting.path);
    let arguments = view.config.iter().filter(|(_, setting)| setting.layer == Layer::Argument && !is_misread(setting));
    // The address first: one missing variable is one cause.
    let (addresses, others): (Vec<_>, Vec<_>) = arguments.partition(|(key, _)| *key == JOBMANAGER_ADDRESS);
    let found = addresses.into_iter().chain(others).find_map(|setting| Some((setting, missing(setting)?)));
    found.map(|(setting, name)| in_argument(view, container, setting, &name)).into_iter().collect()
}

fn in_argument(view: &RoleView, container: &Value, (key, setting): (&str, &Setting), wanted: &str) -> Violation {
    let own = name(container).unwrap_or_default();
    let containers = list(&view.pod.template, &["spec", "containers"]).iter();
    let elsewhere = containers
        .filter(|other| name(other) != Some(own) && named(list(other, &["env"]), wanted).is_some())
        .find_map(name);
    let only = elsewhere.map(|other| format!(", only in that of `{other}`")).unwrap_or_default();
    let message = format!(
        "`{wanted}` is not in the environment of the container `{own}`{only}, so `{key}` is the text `$({wanted})` and no address"
    );
    let field = if wanted.contains("IP") { "`status.podIP`" } else { "the field that is meant" };
    let fix = format!("define `{wanted}` in the `env` of `{own}`, by `fieldRef` to {field}");
    Violation::at_field(setting.path.clone(), Some(format!("$({wanted})")), message, fix).of_role(view.role)
}

/// A reference in a file, where it stays a text whatever the container defines.
fn in_file(view: &RoleView, setting: &Setting) -> Violation {
    let message = format!(
        "this is `{}` in a file, where Kubernetes replaces no variables, so Flink takes the text for an address",
        setting.trimmed()
    );
    let fix = format!("give it as an argument: `-D {JOBMANAGER_ADDRESS}=$({POD_IP})`");
    Violation::at_setting(setting, message, fix).of_role(view.role).uncertain()
}

const POD_IP: &str = "POD_IP";
