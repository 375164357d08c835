//! What a kubelet makes of a container before it starts: a RE-ENACTMENT, apart from the code that it is to check.
//!
//! Sources: Kubernetes `pkg/kubelet/kubelet_pods.go` (`makeEnvironmentVariables`, `ExpandContainerCommandAndArgs`).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::expand;

/// The address that every pod here has.
pub const POD_IP: &str = "10.1.2.3";

/// The environment that `container` declares: a value may name the variables before it.
pub fn environment(container: &Value) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for declared in container["env"].as_array().into_iter().flatten() {
        let value = match declared["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
            Some("status.podIP") => POD_IP.to_owned(),
            Some(other) => panic!("`{other}` is not re-enacted"),
            None => expand(declared["value"].as_str().unwrap_or_default(), &variables),
        };
        let name = declared["name"].as_str().expect("a name").to_owned();
        variables.insert(name, value);
    }
    variables
}

/// The command line of `container`, for an image whose entry point is the official one.
pub fn words(container: &Value, environment: &BTreeMap<String, String>) -> Vec<String> {
    let list = |field: &str| -> Vec<String> {
        let words = container[field].as_array().into_iter().flatten();
        words.map(|word| expand(word.as_str().expect("a word"), environment)).collect()
    };
    let command = list("command");
    let entry_point = if command.is_empty() { vec!["/docker-entrypoint.sh".to_owned()] } else { command };
    [entry_point, list("args")].concat()
}

/// What `envsubst` makes of `text` with `variables` alone: `$NAME` and `${NAME}` become their values, or nothing.
pub fn substitute(text: &str, variables: &BTreeMap<String, String>) -> String {
    let is_name = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
    let value = |name: &str| variables.get(name).map_or("", String::as_str);
    let mut parts = text.split('$');
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let begin = part.strip_prefix('{').unwrap_or(part);
        let (name, rest) = begin.split_at(begin.find(|letter| !is_name(letter)).unwrap_or(begin.len()));
        let is_named = !name.is_empty() && !name.starts_with(|letter: char| letter.is_ascii_digit());
        match (part.starts_with('{'), rest.strip_prefix('}')) {
            (true, Some(rest)) if is_named => made.extend([value(name), rest]),
            (false, _) if is_named => made.extend([value(name), rest]),
            _ => made.extend(["$", part]),
        }
    }
    made
}
