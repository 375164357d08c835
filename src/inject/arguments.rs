//! Options as arguments of a standalone role: the one form that also works where the configuration is read-only.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::flink::arguments::{self, Arguments};
use crate::flink::configuration::Layer;
use crate::flink::deployment::walk;
use crate::flink::options::{self, HA_TYPE};
use crate::flink::raw::{Environment, Variable, container_path, references, words};
use crate::inject::record::POD_IP;
use crate::inject::{Injected, Place, Work};
use crate::object::{FieldPath, list, name, named, text};
use crate::policy::Role;
use crate::workload::Raw;

/// Adds `option` (by its newest name) with `value` behind the word that names the role, and remembers it.
///
/// Where the version is not known the HA mode is given under both of its names, which every version accepts in arguments.
///
/// # Errors
/// The place, where an argument sets the option already, to a blank or it would not be asked for: the last one counts, and
/// that is the user's.
pub(super) fn set_option(work: &mut Work<'_>, raw: &Raw, option: &str, value: &str) -> Result<(), FieldPath> {
    let version = work.version();
    let keys = match (option, version) {
        (HA_TYPE, None) => vec!["high-availability", HA_TYPE],
        _ => match options::spelling(option, version) {
            // An option that is not in the table is given as it is.
            "" => vec![option],
            key => vec![key],
        },
    };
    let cluster = work.cluster();
    let present = |key: &&str| cluster.leading()?.config.exact(key).filter(|setting| setting.layer == Layer::Argument);
    if let Some(setting) = keys.iter().find_map(present) {
        // What was filled in before it moved it.
        let as_written = work.target.cluster_in(work.target.object);
        let of_user = keys.iter().find_map(|key| as_written.leading()?.config.exact(key));
        return Err(of_user.unwrap_or(setting).path.clone());
    }
    for key in keys {
        let path = insert(work, raw, key, value);
        let (option, key, value) = (option.to_owned(), key.to_owned(), value.to_owned());
        work.added.push(Injected::Option { option, key, value, path: Some(path) });
    }
    Ok(())
}

fn insert(work: &mut Work<'_>, raw: &Raw, key: &str, value: &str) -> FieldPath {
    let (all, read) = command_line(work, raw);
    let is_session = raw.role == Role::JobManager && !raw.launch.application;
    let own: Vec<Value> = if is_session {
        vec![json!("-D"), json!(format!("{key}={value}"))]
    } else {
        vec![json!(format!("-D{key}={value}"))]
    };
    // Behind what was added before, so that the order is the order of adding.
    let is_ours = |key: &str, value: &str| {
        work.added
            .iter()
            .any(|added| matches!(added, Injected::Option { key: k, value: v, .. } if k == key && v == value))
    };
    let former =
        read.options.iter().filter(|(key, value, _)| is_ours(key, value)).map(|(.., position)| position + 1).max();
    let position = former.unwrap_or(read.insert_at);
    let words_each = own.len();
    let mut words = all;
    let position = position.min(words.len());
    words.splice(position..position, own);
    write(work, raw, &words, position);
    container_path(raw).key("args").index(position + words_each - 1)
}

/// Removes `-D key=value` in either form; whether it was there.
pub(super) fn remove_exact(work: &mut Work<'_>, raw: &Raw, key: &str, value: &str) -> bool {
    let (mut words, read) = command_line(work, raw);
    let Some((.., position)) = read.options.iter().find(|(name, text, _)| name == key && text == value) else {
        return false;
    };
    let position = *position;
    let first = words.iter().take(position + 1).rposition(|word| text_of(word).starts_with("-D")).unwrap_or(position);
    words.drain(first..=position);
    write(work, raw, &words, first);
    true
}

/// Command and args as they are written, and what they say.
fn command_line(work: &Work<'_>, raw: &Raw) -> (Vec<Value>, Arguments) {
    let container = walk(work.edits.document(), &container_path(raw)).unwrap_or(&Value::Null);
    let all: Vec<Value> =
        ["command", "args"].into_iter().flat_map(|field| list(container, &[field])).cloned().collect();
    let environment = Environment::of(container);
    // A variable that is blank makes a blank word, which is read otherwise than the one that is written.
    let says_something = |word: &str| !environment.expand(word).trim_ascii().is_empty();
    let borrowed: Vec<&str> =
        all.iter().map(text_of).map(|word| if says_something(word) { word } else { "" }).collect();
    let read = arguments::read(&borrowed, &raw.launch, work.version());
    (all, read)
}

/// What is no text, which no API server takes, is not understood, and stays.
fn text_of(word: &Value) -> &str {
    word.as_str().unwrap_or_default()
}

/// Writes `words` back as command and args: the list that holds `changed`, the place of the change, takes the difference.
fn write(work: &mut Work<'_>, raw: &Raw, words: &[Value], changed: usize) {
    let container = container_path(raw);
    let body = walk(work.edits.document(), &container).unwrap_or(&Value::Null);
    let (command, args) = (list(body, &["command"]).len(), list(body, &["args"]).len());
    let in_command = changed < command;
    let split = if in_command { words.len().saturating_sub(args) } else { command };
    let (command, args) = words.split_at_checked(split).unwrap_or((words, &[]));
    let (field, list) = if in_command { ("command", command) } else { ("args", args) };
    work.edits.set(&container.key(field), json!(list));
}

/// Defines `POD_IP` where arguments of the user's use it and nothing brings it: without it they are no address.
pub(super) fn define_pod_ip(work: &mut Work<'_>) {
    let Some(Place::Pods(raw)) = work.target.place().filter(|_| work.target.policy.spec.complete) else { return };
    let container = walk(work.edits.document(), &container_path(raw)).unwrap_or(&Value::Null);
    let is_used = words(container).iter().any(|word| references(word).any(|name| name == POD_IP));
    if is_used && Environment::of(container).variable(POD_IP) == Variable::Unset {
        add_pod_ip(work, raw, POD_IP);
    }
}

/// Whether the author has a variable of the name under which we give the pod's address, and it is something else.
pub(super) fn has_other_pod_ip(work: &Work<'_>, raw: &Raw) -> bool {
    let container = walk(work.edits.document(), &container_path(raw)).unwrap_or(&Value::Null);
    let Some(declared) = list(container, &["env"]).iter().rfind(|variable| name(variable) == Some(POD_IP)) else {
        return false;
    };
    let spec = work.target.root().key("spec");
    let is_on_host = walk(work.edits.document(), &spec.key("hostNetwork")) == Some(&Value::Bool(true));
    let is_address =
        |value: &str| value.parse::<IpAddr>().is_ok_and(|address| !address.is_unspecified() && !address.is_loopback());
    match text(declared, &["valueFrom", "fieldRef", "fieldPath"]) {
        Some("status.podIP") => false,
        Some("status.hostIP") => !is_on_host,
        _ => !text(declared, &["value"]).is_some_and(is_address),
    }
}

/// Gives the Flink container the variable `name` with its pod's IP, unless it has one of that name.
pub(super) fn add_pod_ip(work: &mut Work<'_>, raw: &Raw, name: &str) {
    let container = container_path(raw);
    let environment = walk(work.edits.document(), &container).map(|body| list(body, &["env"])).unwrap_or_default();
    if named(environment, name).is_some() {
        return;
    }
    let field = "status.podIP";
    let variable = json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": field}}});
    if work.edits.append(&container.key("env"), variable) {
        work.added.push(Injected::Env { name: name.to_owned(), field: field.to_owned() });
    }
}

/// Takes the variable with the pod's IP out again, where it is ours, stands last and no argument uses it.
pub(super) fn remove_pod_ip(work: &mut Work<'_>) {
    let Some(Place::Pods(raw)) = work.target.place() else { return };
    let path = container_path(raw);
    let container = walk(work.edits.document(), &path).cloned().unwrap_or_default();
    let used = format!("$({POD_IP})");
    let is_used = words(&container).iter().any(|word| word.contains(&used));
    let mut left = list(&container, &["env"]).to_vec();
    let ours = json!({"name": POD_IP, "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}});
    if is_used || left.pop().is_none_or(|last| last != ours) {
        return;
    }
    if left.is_empty() {
        work.edits.remove(&path.key("env"));
        return;
    }
    work.edits.set(&path.key("env"), Value::Array(left));
}
