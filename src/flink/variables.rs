//! Kubernetes' `$(NAME)` in the words of a container: what is replaced, and by what.
//!
//! Source: `k8s.io/kubernetes/third_party/forked/golang/expansion` and kubelet `makeEnvironmentVariables`: `$$` stands
//! for one `$`, a name that is not defined stays as it is written, and only what the container itself lists counts, not
//! what its image brings.
//!
//! ```
//! use flink_admission::flink::variables::references;
//! assert_eq!(references("$(POD_NAME).flink:$$(A)").collect::<Vec<_>>(), ["POD_NAME"]);
//! ```

use serde_json::Value;

use crate::object::{list, name, text};

/// What a name stands for in a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable<'a> {
    /// A text that every pod of the template gets.
    Text(&'a str),
    /// A field of the pod: `status.podIP`.
    Field(&'a str),
    /// Something that cannot be seen from here: a Secret, a ConfigMap, `envFrom`, a Service's variable.
    Elsewhere,
    /// Nothing: the reference stays as it is written.
    Undefined,
}

/// The names that `text` refers to, in order.
pub fn references(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (_, behind) = rest.split_once('$')?;
            let Some(opened) = behind.strip_prefix('(') else {
                rest = behind.strip_prefix('$').unwrap_or(behind);
                continue;
            };
            // Without an end nothing behind it can be a reference either: its own end would be this one's.
            let (name, behind) = opened.split_once(')')?;
            rest = behind;
            return Some(name);
        }
    })
}

/// What `wanted` stands for in `container`.
#[must_use]
pub fn variable<'a>(container: &'a Value, wanted: &str) -> Variable<'a> {
    // Of two with one name the later one counts.
    if let Some(found) = list(container, &["env"]).iter().rev().find(|variable| name(variable) == Some(wanted)) {
        return match (text(found, &["value"]), text(found, &["valueFrom", "fieldRef", "fieldPath"])) {
            (_, Some(field)) => Variable::Field(field),
            (Some(text), None) if references(text).next().is_some() => Variable::Elsewhere,
            (Some(text), None) => Variable::Text(text),
            (None, None) if found.get("valueFrom").is_some() => Variable::Elsewhere,
            (None, None) => Variable::Text(""),
        };
    }
    let is_of_service = wanted.contains("_SERVICE_") || wanted.contains("_PORT");
    if is_of_service || !list(container, &["envFrom"]).is_empty() {
        return Variable::Elsewhere;
    }
    Variable::Undefined
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_those_that_kubernetes_replaces() {
        for (text, expected) in [
            ("$(POD_IP)", vec!["POD_IP"]),
            ("a$(B)c$(D)", vec!["B", "D"]),
            ("$$(POD_IP)", vec![]),
            ("$$$(POD_IP)", vec!["POD_IP"]),
            ("$POD_IP ${POD_IP} $", vec![]),
            ("$(POD_IP", vec![]),
            ("$x$(Y)", vec!["Y"]),
        ] {
            assert_eq!(references(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn a_variable_is_what_its_own_container_says() {
        let container = json!({"env": [
            {"name": "IP", "value": "old"},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "HOST", "value": "flink"},
            {"name": "MADE", "value": "$(HOST).flink"},
            {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}},
            {"name": "EMPTY"},
        ]});
        assert_eq!(variable(&container, "IP"), Variable::Field("status.podIP"));
        assert_eq!(variable(&container, "HOST"), Variable::Text("flink"));
        assert_eq!(variable(&container, "MADE"), Variable::Elsewhere);
        assert_eq!(variable(&container, "SECRET"), Variable::Elsewhere);
        assert_eq!(variable(&container, "EMPTY"), Variable::Text(""));
        assert_eq!(variable(&container, "FLINK_JM_SERVICE_HOST"), Variable::Elsewhere);
        assert_eq!(variable(&container, "HOSTNAME"), Variable::Undefined);
        assert_eq!(variable(&json!({"envFrom": [{}]}), "HOSTNAME"), Variable::Elsewhere);
    }
}
