//! `credentials-in-plain-text`: the key of an object store where everybody may read it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::flink::cluster::{RoleView, Shape};
use crate::flink::configuration::Setting;
use crate::flink::deployment::walk;
use crate::flink::location::has_placeholder;
use crate::flink::pod::MAIN_CONTAINER;
use crate::flink::sensitive::{is_key_of_a_store, is_variable_of_a_store};
use crate::object::{list, name, named, text};
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "credentials-in-plain-text",
    failure: "B25",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "The secret key of an object store stands as text in the configuration, in an argument or in an environment variable of the Flink container: `s3.secret-key`, `fs.azure.account.key.…`, `AWS_SECRET_ACCESS_KEY` and the like.",
        why: "Whoever may read the object, the ConfigMap, the repository or a backup of either has the key, and with it all checkpoints and savepoints, which hold the state of the jobs.",
        limits: "Keys of object stores are judged by their names, other passwords are not. A reference (`$(NAME)`, `${NAME}`), `valueFrom` and files of a Secret are no text. The id of a pair of keys (`s3.access-key`) is no secret.",
        example: "spec:\n  flinkConfiguration:\n    s3.access-key: orders-writer\n    s3.secret-key: …   # the key itself",
        fix: "Take the key from a Secret as an environment variable (`AWS_SECRET_ACCESS_KEY` with `valueFrom.secretKeyRef` in the pod template), or give the ServiceAccount a role of the store (IRSA, Workload Identity) and use no key.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let found = case.cluster.roles.iter().flat_map(|view| {
        let of_options = view.config.iter().filter(|(key, setting)| is_key_of_a_store(key) && is_text(&setting.value));
        of_options.map(|(key, setting)| of_option(key, setting)).chain(of_variables(case, view))
    });
    // Both roles of a resource have one configuration and one common template.
    let mut said = BTreeSet::new();
    found.filter(|violation| said.insert(violation.path.clone())).collect()
}

/// Whether `value` is a key, and not a reference to one, or a blank to be filled in.
fn is_text(value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'']);
    !value.is_empty() && !has_placeholder(value) && !value.chars().all(|c| matches!(c, '*' | 'x' | 'X' | '.' | '…'))
}

fn of_option(key: &str, setting: &Setting) -> Violation {
    let message = format!("`{key}` holds the key of an object store as text, {READERS}");
    Violation { value: None, ..Violation::at_setting(setting, message, FIX.to_owned()) }
}

/// The variables of the Flink container, in the templates that bring them.
fn of_variables(case: &Case<'_>, view: &RoleView) -> Vec<Violation> {
    let mut violations = Vec::new();
    for template in case.templates(view.role) {
        let containers = template.keys(&["spec", "containers"]);
        let listed = walk(case.object, &containers).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let main = match case.cluster.shape {
            Shape::Raw => view.pod.main,
            Shape::FlinkDeployment { .. } => named(listed, MAIN_CONTAINER).map(|(index, _)| index),
        };
        let Some((index, container)) = main.and_then(|index| Some((index, listed.get(index)?))) else { continue };
        for (position, variable) in list(container, &["env"]).iter().enumerate() {
            let Some(name) = name(variable).filter(|name| is_variable_of_a_store(name)) else { continue };
            if !text(variable, &["value"]).is_some_and(is_text) {
                continue;
            }
            let message = format!("variable `{name}` holds the key of an object store as text, {READERS}");
            let path = containers.index(index).key("env").index(position).key("name");
            violations.push(Violation::at_field(path, None, message, FIX.to_owned()));
        }
    }
    violations
}

const READERS: &str = "so whoever may read the manifest or the object has it, and with it the state of the jobs";
const FIX: &str = "take it from a Secret as a variable of the pods (`AWS_SECRET_ACCESS_KEY` and the like with `secretKeyRef`), or give the ServiceAccount a role of the store; then change the key, which others may have read";
