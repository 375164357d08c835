//! `credentials-in-plain-text`: secrets where everybody may read them, above all the key of an object store.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::flink::cluster::{Directory, RoleView, Shape};
use crate::flink::deployment::walk;
use crate::flink::location::{has_placeholder, scheme_of};
use crate::flink::pod::MAIN_CONTAINER;
use crate::flink::sensitive::{is_key_of_a_store, is_secret, is_secret_variable, is_variable_of_a_store, schemes_of};
use crate::object::{FieldPath, list, name, named, text};
use crate::policy::finding::Level;
use crate::policy::rules::{Case, MOST_FINDINGS, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "credentials-in-plain-text",
    failure: "B25",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "The secret key of an object store stands as text in the configuration, in an argument or in an environment variable of the Flink container: `s3.secret-key`, `fs.azure.account.key.…`, `AWS_SECRET_ACCESS_KEY` and the like. Or another secret does, which is a remark: an option such as `security.ssl.rest.keystore-password`, a variable whose name ends in `PASSWORD`, `SECRET`, `SECRET_KEY` or `TOKEN`, or `-Djavax.net.ssl.keyStorePassword=…` in `env.java.opts…`.",
        why: "Whoever may read the object, the ConfigMap, the repository or a backup of either has the secret. With the key of the store that holds checkpoints and savepoints that is the state of the jobs.",
        limits: "Secrets are known by their names; those that are not of object stores are one remark for all, and never more. A reference (`$(NAME)`, `${NAME}`), `valueFrom` and files of a Secret are no text. The id of a pair of keys (`s3.access-key`) is no secret.",
        example: "spec:\n  flinkConfiguration:\n    s3.access-key: orders-writer\n    s3.secret-key: …   # the key itself",
        fix: "Take the key from a Secret as an environment variable (`AWS_SECRET_ACCESS_KEY` with `valueFrom.secretKeyRef` in the pod template), or give the ServiceAccount a role of the store (IRSA, Workload Identity) and use no key.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let mut violations: Vec<Violation> = Vec::new();
    let mut others: Vec<Secret<'_>> = Vec::new();
    // Both roles of a resource have one configuration and one common template.
    let mut seen = BTreeSet::new();
    for view in &case.cluster.roles {
        for secret in of_options(view).into_iter().chain(of_variables(case, view)) {
            if !seen.insert(secret.path.clone()) {
                continue;
            }
            if !secret.of_a_store {
                others.push(secret);
            } else if violations.len() < MOST_FINDINGS {
                violations.push(of_store(case, secret));
            }
        }
    }
    violations.extend(of_others(others));
    violations
}

/// A secret as text.
struct Secret<'a> {
    /// What holds it, in words.
    said: String,
    /// The option or variable.
    name: &'a str,
    path: FieldPath,
    origin: Option<&'a str>,
    /// Whether it opens an object store.
    of_a_store: bool,
}

impl Secret<'_> {
    fn violation(self, message: String, fix: String) -> Violation {
        let violation = Violation::at_field(self.path, None, message, fix);
        match self.origin {
            Some(origin) => Violation { origin: origin.to_owned(), ..violation },
            None => violation,
        }
    }
}

fn of_store(case: &Case<'_>, secret: Secret<'_>) -> Violation {
    let schemes = schemes_of(secret.name);
    let is_there = |directory| {
        let scheme = case.cluster.directory(directory).and_then(|(_, setting)| scheme_of(setting.trimmed()));
        scheme.is_some_and(|(scheme, _)| schemes.iter().any(|of| scheme.starts_with(of)))
    };
    let state = if Directory::ALL.into_iter().any(is_there) { ", and with it the state of the jobs" } else { "" };
    let message = format!("{} holds the key of an object store as text, {READERS} has it{state}", secret.said);
    secret.violation(message, FIX.to_owned())
}

/// One finding for all secrets that are not of object stores.
fn of_others(secrets: Vec<Secret<'_>>) -> Option<Violation> {
    /// So many names say enough.
    const MOST: usize = 4;
    let mut names: Vec<String> = secrets.iter().take(MOST).map(|secret| secret.said.clone()).collect();
    match secrets.len() - names.len() {
        0 => {}
        1 => names.push("one more".to_owned()),
        more => names.push(format!("{more} more")),
    }
    let last = names.pop()?;
    let (said, hold, them) = if names.is_empty() {
        (last, "holds a secret", "it")
    } else {
        (format!("{} and {last}", names.join(", ")), "hold secrets", "them")
    };
    let message = format!("{said} {hold} as text, {READERS} has {them}");
    let fix = format!(
        "take {them} from a Secret, as a variable of the pods with `secretKeyRef` or as a file, then change {them}, since others may have read {them}"
    );
    let violation = secrets.into_iter().next()?.violation(message, fix);
    Some(Violation { at_most: Level::Audit, ..violation })
}

/// Whether `value` is a key, and not a reference to one, or a blank to be filled in.
fn is_text(value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'']);
    !value.is_empty() && !has_placeholder(value) && !value.chars().all(|c| matches!(c, '*' | 'x' | 'X' | '.' | '…'))
}

/// Whether `value` is a secret: besides what is no text, a truth, a file and a name in a Java package are none.
fn is_secret_text(value: &str) -> bool {
    let value = value.trim();
    let is_file = value.starts_with('/') || value.starts_with("file:");
    is_text(value) && !is_file && !matches!(value, "true" | "false") && !value.starts_with("org.apache.")
}

fn of_options(view: &RoleView) -> Vec<Secret<'_>> {
    let mut secrets = Vec::new();
    // What another object sets is that one's.
    for (name, setting) in view.config.iter().filter(|(_, setting)| setting.is_of_object()) {
        let of_a_store = is_key_of_a_store(name);
        let said = if of_a_store {
            is_text(&setting.value).then(|| format!("`{name}`"))
        } else if is_secret(name) {
            is_secret_text(&setting.value).then(|| format!("`{name}`"))
        } else if name.starts_with("env.java.opts") {
            password_property(&setting.value).map(|property| format!("`-D{property}` in `{name}`"))
        } else {
            None
        };
        let (path, origin) = (setting.path.clone(), Some(&*setting.origin));
        secrets.extend(said.map(|said| Secret { said, name, path, origin, of_a_store }));
    }
    secrets
}

/// The property of the JVM's own stores that `options` give a password as text.
fn password_property(options: &str) -> Option<&str> {
    options.split_whitespace().find_map(|word| {
        let (property, value) = word.trim_start_matches(['"', '\'']).strip_prefix("-D")?.split_once('=')?;
        let is_password = property.starts_with("javax.net.ssl.") && property.ends_with("Password");
        (is_password && is_text(value)).then_some(property)
    })
}

/// The variables of the Flink container, in the templates that bring them.
fn of_variables<'a>(case: &Case<'a>, view: &RoleView) -> Vec<Secret<'a>> {
    let mut secrets = Vec::new();
    for template in case.templates(view.role) {
        let containers = template.keys(&["spec", "containers"]);
        let listed = walk(case.object, &containers).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let main = match case.cluster.shape {
            Shape::Raw => view.pod.main,
            Shape::FlinkDeployment { .. } => named(listed, MAIN_CONTAINER).map(|(index, _)| index),
        };
        let Some((index, container)) = main.and_then(|index| Some((index, listed.get(index)?))) else { continue };
        for (position, variable) in list(container, &["env"]).iter().enumerate() {
            let (Some(name), Some(value)) = (name(variable), text(variable, &["value"])) else { continue };
            let of_a_store = is_variable_of_a_store(name);
            if !(of_a_store && is_text(value) || is_secret_variable(name) && is_secret_text(value)) {
                continue;
            }
            let path = containers.index(index).key("env").index(position).key("name");
            secrets.push(Secret { said: format!("variable `{name}`"), name, path, origin: None, of_a_store });
        }
    }
    secrets
}

const READERS: &str = "so whoever may read the manifest or the object";
const FIX: &str = "take it from a Secret as a variable of the pods (`AWS_SECRET_ACCESS_KEY` and the like with `secretKeyRef`), or give the ServiceAccount a role of the store; then change the key, which others may have read";
